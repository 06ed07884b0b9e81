import { Bookmark, Trash2 } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { TextField } from "../../components/field.tsx";
import { Menu } from "../../components/menu.tsx";
import { notify } from "../../components/toast.tsx";
import { BUILT_IN, dropView, type SavedView, savedViews, saveView } from "./saved-views.ts";
import styles from "./tasks-page.module.css";

export interface ViewsMenuProps {
  readonly filter: string;
  readonly columns: string | null;
  readonly onView: (view: SavedView) => void;
}

/** Searches that are kept in this browser, and the way to keep this one. */
export function ViewsMenu({ filter, columns, onView }: ViewsMenuProps) {
  const [views, setViews] = useState(() => savedViews(localStorage));
  const [dialog, setDialog] = useState<"save" | "edit" | null>(null);
  const current = [...BUILT_IN, ...views].find((view) => view.filter === filter && view.columns === columns);
  return (
    <>
      <Menu
        icon={<Bookmark size={14} />}
        title="Saved views"
        items={[
          ...[...BUILT_IN, ...views].map((view) => ({
            label: <span className="ellipsis">{view.name}</span>,
            checked: view === current,
            run: () => onView(view),
          })),
          ...(current === undefined && filter !== ""
            ? [{ label: "Save this search…", checked: false, run: () => setDialog("save") }]
            : []),
          ...(views.length > 0
            ? [{ label: "Remove saved ones…", checked: false, run: () => setDialog("edit") }]
            : []),
        ]}
      >
        <span className={styles["view-name"]}>{current?.name ?? "Views"}</span>
      </Menu>
      {dialog === "save" && (
        <SaveDialog
          onClose={() => setDialog(null)}
          onSave={(name) => {
            setViews(saveView(localStorage, { name, filter, columns }));
            setDialog(null);
            notify({ text: `${name} is saved in this browser.` });
          }}
        />
      )}
      {dialog === "edit" && (
        <Dialog title="Saved views" onClose={() => setDialog(null)}>
          <ul className={styles["views"]}>
            {views.map((view) => (
              <li key={view.name} className="row">
                <span className="medium ellipsis">{view.name}</span>
                <span className="mono muted ellipsis spacer">{view.filter}</span>
                <Button
                  look="quiet"
                  icon={<Trash2 size={14} />}
                  aria-label={`Remove ${view.name}`}
                  onClick={() => setViews(dropView(localStorage, view.name))}
                />
              </li>
            ))}
            {views.length === 0 && <li className="muted">None is saved any more.</li>}
          </ul>
        </Dialog>
      )}
    </>
  );
}

function SaveDialog({
  onSave,
  onClose,
}: {
  readonly onSave: (name: string) => void;
  readonly onClose: () => void;
}) {
  const [name, setName] = useState("");
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "") onSave(name.trim());
  };
  return (
    <Dialog
      title="Save this search"
      onClose={onClose}
      actions={
        <Button type="submit" form={form} look="primary" disabled={name.trim() === ""}>
          Save
        </Button>
      }
    >
      <form id={form} onSubmit={submit}>
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          autoFocus
          hint="Kept in this browser, with its columns."
        />
      </form>
    </Dialog>
  );
}
