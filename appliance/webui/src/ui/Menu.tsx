import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { IconButton } from "@/ui/Button";
import { Icon, type IconName } from "@/ui/Icon";

interface MenuProps {
  label: string;
  children: ReactNode;
  className?: string;
}

/** A button with a list of actions: arrows move, Escape and a click elsewhere close. */
export function Menu({ label, children, className }: MenuProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const closeOutside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", closeOutside);
    return () => document.removeEventListener("pointerdown", closeOutside);
  }, [open]);

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      setOpen(false);
      root.current?.querySelector("button")?.focus();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const items = [...(root.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = items.indexOf(document.activeElement as HTMLElement) + step;
    items.at(next % items.length)?.focus();
  }

  return (
    <div className={`menu ${className ?? ""}`} ref={root} onKeyDown={onKeyDown} role="none">
      <IconButton
        icon="more"
        label={label}
        small
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <div className="menu__list" role="menu" onClick={() => setOpen(false)} onKeyDown={() => undefined}>
          {children}
        </div>
      )}
    </div>
  );
}

interface MenuItemProps {
  icon: IconName;
  danger?: boolean;
  onSelect(): void;
  children: ReactNode;
}

export function MenuItem({ icon, danger, onSelect, children }: MenuItemProps) {
  return (
    <button
      type="button"
      role="menuitem"
      className={`menu__item ${danger ? "menu__item--danger" : ""}`}
      onClick={onSelect}
    >
      <Icon name={icon} />
      {children}
    </button>
  );
}
