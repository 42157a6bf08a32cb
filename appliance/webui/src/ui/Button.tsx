import type { ComponentProps } from "react";
import { Icon, type IconName } from "@/ui/Icon";

type Look = "plain" | "primary" | "danger" | "quiet";

interface ButtonProps extends ComponentProps<"button"> {
  look?: Look;
  small?: boolean;
  icon?: IconName;
}

export function buttonClass(look: Look, small = false, iconOnly = false): string {
  return ["button", `button--${look}`, small && "button--small", iconOnly && "button--icon"]
    .filter(Boolean)
    .join(" ");
}

export function Button({ look = "plain", small, icon, children, className, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} className={`${buttonClass(look, small)} ${className ?? ""}`}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ComponentProps<"button">, "children"> {
  icon: IconName;
  /** The accessible name, also shown on hover. */
  label: string;
  look?: Look;
  small?: boolean;
}

export function IconButton({ icon, label, look = "quiet", small, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={`${buttonClass(look, small, true)} ${className ?? ""}`}
    >
      <Icon name={icon} />
    </button>
  );
}
