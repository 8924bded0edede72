import { Button } from "@mantine/core";
import { useCore } from "../i18n/core";

/** FormFoot ends a form: the way back, and what it does. */
export function FormFoot(p: {
  cancel: () => void;
  /** What it does, where that is more than to save. */
  label?: string;
  disabled?: boolean;
  loading?: boolean;
}) {
  const core = useCore();
  return (
    <div className="row form-foot">
      <Button variant="default" onClick={p.cancel}>
        {core.do.cancel}
      </Button>
      <Button type="submit" variant="filled" disabled={p.disabled} loading={p.loading}>
        {p.label ?? core.do.save}
      </Button>
    </div>
  );
}
