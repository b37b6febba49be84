// Icons as strokes on a grid of 24, drawn in the colour of the text around them.

const PATHS = {
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20",
  camera: "M4 8.5A1.5 1.5 0 0 1 5.5 7h2l1.5-2h6l1.5 2h2A1.5 1.5 0 0 1 20 8.5v9a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5zM12 9.7a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6z",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  down: "M6 9.5l6 6 6-6",
  calendar: "M5 6.5h14a1 1 0 0 1 1 1V19a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7.5a1 1 0 0 1 1-1zM4 11h16M8.5 4v4M15.5 4v4",
  folder: "M3.5 18V6.5A1.5 1.5 0 0 1 5 5h4l2 2.5h8A1.5 1.5 0 0 1 20.5 9v9a1.5 1.5 0 0 1-1.5 1.500H5A1.5 1.5 0 0 1 3.5 18z",
  lens: "M12 4.500a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM12 8.500a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  file: "M7 3.500h7l4 4V19a1.5 1.5 0 0 1-1.5 1.500H7A1.5 1.5 0 0 1 5.5 19V5A1.5 1.5 0 0 1 7 3.500zM14 3.500V8h4",
  similar: "M4 5h7v7H4zM14 5h6v6h-6zM4 15h6v5H4zM13 14h7v6h-7z",
  check: "M5 12.5l4.5 4.5L19 7.500",
  info: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 11v5M12 8v.01",
  copy: "M9 8.500h9a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1v-10a1 1 0 0 1 1-1zM5 15.500v-11a1 1 0 0 1 1-1h9",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.500M5 20h14",
  stack: "M8 8h11a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1zM4 16V5a1 1 0 0 1 1-1h11",
  library: "M4 7a1 1 0 0 1 1-1h14a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1zM4 15.500l4.5-4 4 3.5 3-2.5 4.5 3.500M15.5 9.500v.01",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.800a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.400zM9 14.800a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.400z",
  pause: "M9 6v12M15 6v12",
  play: "M8 5.500v13l10.5-6.500z",
  stop: "M7 7h10v10H7z",
  retry: "M5 12a7 7 0 1 1 2.2 5.100M5 19v-4.500h4.5",
  zoomIn: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20M10.5 7.800v5.400M7.8 10.500h5.4",
  globe: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM4 12h16M12 4c2.5 2.4 3.5 5 3.5 8s-1 5.6-3.5 8c-2.5-2.4-3.5-5-3.5-8s1-5.6 3.5-8z",
  warn: "M12 4.5 20.5 19h-17zM12 10v4.500M12 16.800v.01",
  place: "M12 20.5s-6-5.7-6-10.300a6 6 0 0 1 12 0c0 4.6-6 10.3-6 10.300zM12 8a2.2 2.2 0 1 0 0 4.400A2.2 2.2 0 0 0 12 8z",
  map: "M4 6.500 9 4.500l6 2 5-2v13l-5 2-6-2-5 2zM9 4.500v13M15 6.500v13",
  tag: "M4 4.500h7.500L20 13l-7 7-8.500-8.500zM8.300 8.300v.01",
  history: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 7.500V12l3 2",
  compare: "M4 5h7v14H4zM13 5h7v14h-7zM12 3v18",
  aperture: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM9.300 4.500l4.600 8M4.100 10.500h9.200M6.800 18l4.600-8M14.700 19.500l-4.600-8M19.900 13.500h-9.200M17.200 6l-4.600 8",
  exposure: "M5.500 4h13A1.500 1.500 0 0 1 20 5.500v13a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 18.500v-13A1.500 1.500 0 0 1 5.500 4zM5 19 19 5M7 8.500h4M9 6.500v4M13 15.500h4",
  star: "M12 4.500l2.300 4.800 5.200.7-3.800 3.700.9 5.300-4.600-2.500-4.600 2.500.9-5.300L4.500 10l5.200-.7z",
  up: "M12 19V6M6 11.500l6-6 6 6",
  heart: "M12 19.500 5.200 12.700a4.300 4.300 0 0 1 0-6 4.300 4.300 0 0 1 6 0l.8.8.8-.8a4.300 4.300 0 0 1 6 0 4.300 4.300 0 0 1 0 6z",
  album: "M8 4h11a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM4 8v11a1 1 0 0 0 1 1h11M7 14l3.500-3 2.500 2 2.500-2.500 4.500 4",
  bookmark: "M7 4h10a1 1 0 0 1 1 1v15l-6-4-6 4V5a1 1 0 0 1 1-1z",
  edit: "M4.500 19.500 5.500 15.500 15.500 5.500l3 3L8.500 18.500z",
  trash: "M5 7h14M9.500 7V4.500h5V7M7 7l.8 12a1 1 0 0 0 1 1h6.400a1 1 0 0 0 1-1L17 7M10.300 10.500v6M13.700 10.500v6",
  paths: "M5 6h14M5 10.500h14M5 15h9M5 19.500h6",
  sidecar: "M6 3.500h8l4 4V20a.500.500 0 0 1-.5.500h-11.500a.500.500 0 0 1-.5-.500V4a.500.500 0 0 1 .5-.500zM14 3.500V8h4M12 10.200l1 2.200 2.400.2-1.800 1.600.5 2.400-2.100-1.300-2.100 1.300.5-2.400-1.800-1.600 2.400-.2z",
  table: "M5 5h14a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM4 10h16M4 14.500h16M10 10v9",
  region: "M4 8.500V5.500A1.5 1.5 0 0 1 5.5 4h3M15.5 4h3A1.5 1.5 0 0 1 20 5.500v3M20 15.500v3a1.5 1.5 0 0 1-1.5 1.500h-3M8.5 20h-3A1.5 1.5 0 0 1 4 18.500v-3M9 9.500h6v5H9z",
  heat: "M12 3.500c.6 3-3.800 5-3.800 9.200A4.3 4.3 0 0 0 12 17a4.3 4.3 0 0 0 3.800-4.300c0-1.700-.9-2.700-1.300-3.700M12 3.500c3.500 2 6.500 5.100 6.500 9.700A6.6 6.6 0 0 1 12 20a6.6 6.6 0 0 1-6.5-6.800c0-2 .8-3.700 1.900-5.100",
  draw: "M6 3v13.500A1.5 1.5 0 0 0 7.5 18H21M3 6h13.500A1.5 1.5 0 0 1 18 7.500V21",
  size: "M5 14v5h5M19 10V5h-5M5 19 19 5",
  caption: "M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-7l-4.5 3.500V16H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM8 9h8M8 12h5",
  relate: "M4 5h6v6H4zM14 13h6v6h-6zM10 8h4.5A2.5 2.5 0 0 1 17 10.500V13",
  full: "M4 9V5a1 1 0 0 1 1-1h4M15 4h4a1 1 0 0 1 1 1v4M20 15v4a1 1 0 0 1-1 1h-4M9 20H5a1 1 0 0 1-1-1v-4",
  turn: "M19 12a7 7 0 1 1-2.2-5.100M19 5v4.500h-4.500",
  share: "M12 15V4M8 8l4-4 4 4M6 12v7a1 1 0 0 0 1 1h10a1 1 0 0 0 1-1v-7",
  sort: "M7 5v14M7 19l-3-3M7 19l3-3M13 7h7M13 12h5M13 17h3",
};

/** @typedef {keyof typeof PATHS} Icon */

/// Icons that were made: to copy one is sooner done, and every tile has some.
/** @type {Map<Icon, SVGSVGElement>} */
const made = new Map();

/// An icon; it says nothing to screen readers, so what it stands in needs a name.
/** @type {(name: Icon) => SVGSVGElement} */
export function icon(name) {
  const known = made.get(name) ?? make(name);
  made.set(name, known);
  return /** @type {SVGSVGElement} */ (known.cloneNode(true));
}

/** @type {(name: Icon) => SVGSVGElement} */
function make(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
