import "react";

declare module "react" {
  interface InputHTMLAttributes<T> {
    /** Lets a person choose a folder; supported by every current browser, absent from React's own types. */
    webkitdirectory?: T extends unknown ? string : never;
  }
}
