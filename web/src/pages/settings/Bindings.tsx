import { ActionIcon, Button, NativeSelect, TextInput } from "@mantine/core";
import { type Binding, type Role, roles } from "../../api/types";
import { useWords } from "../../i18n/words";
import { Hostile } from "../../ui/Hostile";
import { Icon } from "../../ui/Icon";
import { type Draft, scopeText } from "./scope";
import { w as catalogue } from "./words";

/** BindingTags are roles with their scopes in one line. */
export function BindingTags({ bindings }: { bindings: Binding[] | null | undefined }) {
  const w = useWords(catalogue);
  if (!bindings || bindings.length === 0) return <span className="faint">–</span>;
  return (
    <span className="bindings">
      {bindings.map((b, i) => {
        const scope = scopeText(b.scope);
        return (
          <span key={i} className={b.role === "admin" ? "tag tag-accent" : "tag"}>
            {w.binding.roles[b.role] ?? b.role}
            {scope && (
              <span className="faint">
                <Hostile text={scope} />
              </span>
            )}
          </span>
        );
      })}
    </span>
  );
}

/** BindingFields are the roles of a user or token, for changing. */
export function BindingFields({ value, onChange }: { value: Draft[]; onChange: (d: Draft[]) => void }) {
  const w = useWords(catalogue);
  const set = (i: number, change: Partial<Draft>) => onChange(value.map((d, n) => (n === i ? { ...d, ...change } : d)));
  const field = (i: number, part: "accounts" | "tenants" | "formats", placeholder: string) => (
    <TextInput
      label={w.binding[part]}
      value={value[i]![part]}
      placeholder={placeholder}
      onChange={(e) => set(i, { [part]: e.currentTarget.value })}
      spellCheck={false}
    />
  );
  return (
    <fieldset className="binding-list">
      <legend>{w.binding.title}</legend>
      {value.map((d, i) => (
        <div key={i} className="binding">
          <div className="row">
            <NativeSelect
              aria-label={w.binding.role}
              value={d.role}
              onChange={(e) => set(i, { role: e.currentTarget.value as Role })}
              data={roles.map((r) => ({ value: r, label: `${w.binding.roles[r]} — ${w.binding.doc[r]}` }))}
              className="grow"
            />
            {value.length > 1 && (
              <ActionIcon aria-label={w.binding.remove} onClick={() => onChange(value.filter((_, n) => n !== i))}>
                <Icon name="trash" />
              </ActionIcon>
            )}
          </div>
          <div className="binding-scope">
            {field(i, "accounts", w.binding.everything)}
            {field(i, "tenants", w.binding.everything)}
            {field(i, "formats", w.binding.everything)}
          </div>
        </div>
      ))}
      <div className="row wrap">
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<Icon name="plus" size={12} />}
          onClick={() => onChange([...value, { role: "viewer", tenants: "", accounts: "", formats: "" }])}
        >
          {w.binding.add}
        </Button>
        <span className="faint">{w.binding.scopeDoc}</span>
      </div>
    </fieldset>
  );
}
