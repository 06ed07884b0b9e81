import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, type ButtonProps } from "./button.tsx";
import { notify } from "./toast.tsx";

export interface CopyButtonProps extends Omit<ButtonProps, "onClick"> {
  readonly text: string | (() => string | Promise<string>);
  readonly label: string;
}

/** Puts text on the clipboard, and shows that it did. */
export function CopyButton({ text, label, children, ...rest }: CopyButtonProps) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1_500);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async () => {
    try {
      await copyText(typeof text === "string" ? text : await text());
      setDone(true);
    } catch {
      notify({ text: "The browser did not let this be copied.", tone: "bad" });
    }
  };
  return (
    <Button
      look="quiet"
      icon={done ? <Check size={14} className="good" /> : <Copy size={14} />}
      aria-label={children === undefined ? label : undefined}
      title={label}
      onClick={copy}
      {...rest}
    >
      {children}
    </Button>
  );
}

/** Without HTTPS, away from this machine, browsers have no clipboard to write to: then by way of a selection. */
export async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
}
