import { PasswordInput, type PasswordInputProps } from "@mantine/core";
import { useCore } from "../i18n/core";

/** Password is a field whose text can be shown. */
export function Password(props: PasswordInputProps) {
  const w = useCore();
  return <PasswordInput visibilityToggleButtonProps={{ "aria-label": w.do.password }} {...props} />;
}
