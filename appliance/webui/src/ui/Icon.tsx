/** Line icons on a 24 grid, drawn for this product. An icon alone never names an action: its button does. */
const paths = {
  plus: "M12 5v14M5 12h14",
  chat: "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H10l-5 4v-4.3A2.5 2.5 0 0 1 4 13.5z",
  library: "M5 4h4v16H5zM9 4h4v16H9zM14.2 5.1l3.7-1 3.1 15-3.7.9z",
  model: "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-3.4 3.8-5 7.5-5s6.7 1.6 7.5 5",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  more: "M5.5 12h.8M11.6 12h.8M17.7 12h.8",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  retry: "M20 12a8 8 0 1 1-2.4-5.7M20 4v4.5h-4.5",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20",
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  bin: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  upload: "M12 15V4M7.5 8.5L12 4l4.5 4.5M4 15v5h16v-5",
  download: "M12 4v11M7.5 10.5L12 15l4.5-4.5M4 15v5h16v-5",
  left: "M14.5 6l-6 6 6 6",
  right: "M9.5 6l6 6-6 6",
  down: "M6 9.5l6 6 6-6",
  document: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  warning: "M12 4L2.8 20h18.4zM12 10v4.5M12 17.3v.01",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.01",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19c.6-3 3-4.5 6.5-4.500s5.9 1.5 6.5 4.500M16 4.300a3.5 3.5 0 0 1 0 6.400M18 14.900c1.9.6 3.1 2 3.5 4.1",
  logout: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  external: "M9 5H5v14h14v-4M13 5h6v6M19 5l-8 8",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
