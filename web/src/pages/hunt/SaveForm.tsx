import { Modal, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { etag, Problem, post, put } from "../../api/client";
import type { SavedHunt } from "../../api/types";
import { usePrefs } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { FormFoot } from "../../ui/FormFoot";
import { w as catalogue } from "./words";

/** SaveForm gives a question a name. A hunt of the team's own is replaced under its name. */
export function SaveForm({
  text,
  lang,
  range,
  from,
  close,
  done,
}: {
  text: string;
  lang: "kql" | "sql";
  range?: string;
  from?: SavedHunt;
  close: () => void;
  done: (h: SavedHunt) => void;
}) {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang: reader } = usePrefs();
  const [name, setName] = useState(from && !from.shipped ? from.name : "");
  const [title, setTitle] = useState(from?.title.en ?? "");
  const [titleJA, setTitleJA] = useState(from?.title.ja ?? "");
  const [description, setDescription] = useState(
    (reader === "ja" ? from?.description?.ja : from?.description?.en) ?? "",
  );
  const [error, setError] = useState("");
  const submit = async () => {
    const h = {
      ...(from ? { tactics: from.tactics, techniques: from.techniques, params: from.params } : {}),
      name,
      title: { en: title || undefined, ja: titleJA || undefined },
      description: description ? { [reader]: description } : undefined,
      lang,
      range,
      text,
    };
    try {
      const path = `/hunts/${encodeURIComponent(name)}`;
      const kept =
        from && !from.shipped && from.name === name
          ? await put<SavedHunt>(path, h, { match: etag(path) ?? "*" })
          : await post<SavedHunt>("/hunts", h);
      close();
      done(kept);
    } catch (err) {
      setError(err instanceof Problem ? err.said(reader) : String(err));
    }
  };
  return (
    <Modal opened onClose={close} title={w.saveTitle} size={460} closeButtonProps={{ "aria-label": core.do.close }}>
      <form
        className="form"
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        <TextInput
          label={w.name}
          description={w.nameDoc}
          data-autofocus
          required
          pattern="[a-z0-9][a-z0-9-]{0,62}"
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          error={error || undefined}
        />
        <TextInput label={w.huntTitle} required value={title} onChange={(e) => setTitle(e.currentTarget.value)} />
        <TextInput label={w.titleJA} value={titleJA} onChange={(e) => setTitleJA(e.currentTarget.value)} />
        <Textarea
          label={w.description}
          autosize
          minRows={2}
          value={description}
          onChange={(e) => setDescription(e.currentTarget.value)}
        />
        <FormFoot cancel={close} />
      </form>
    </Modal>
  );
}
