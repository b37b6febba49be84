// Shapes that modules of the page hand each other.

declare namespace Page {
  type Sentence = keyof typeof import("../static/words/en.json");
  type Values = Record<string, string | number | undefined>;
  type Icon = import("../static/icons.js").Icon;

  // ---- elements ----

  type Child = Node | string | false | null | undefined | Child[];
  type Handlers = { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => unknown };
  interface Properties { class?: string; data?: Record<string, string | number>; on?: Handlers; [name: string]: unknown }

  // ---- the state ----

  type Rect = [x: number, y: number, width: number, height: number];
  interface TextChip { kind: "text"; value: string; weight: number; least?: number; most?: number | null; box?: undefined }
  interface ImageChip { kind: "image"; value: number; weight: number; least?: undefined; most?: undefined; box?: Rect }
  interface UploadChip { kind: "upload"; value: string; weight: number; least?: undefined; most?: undefined; box?: undefined }
  /// Images together: those that stand for all `of` that are meant.
  interface ImagesChip { kind: "images"; value: number[]; of: number; weight: number; least?: undefined; most?: undefined; box?: undefined }
  type Chip = TextChip | ImageChip | UploadChip | ImagesChip;
  /// How things lie to each other, by their texts.
  interface Relation { first: string; is: Api.Lies; second: string }
  interface Near { latitude: number; longitude: number; km: number }
  interface State {
    text: string; sign: number; chips: Chip[]; find: boolean; relations: Relation[]; area: number; sort: "" | "relevance" | "newest" | "oldest" | "album"; after: string;
    before: string; folders: string[]; cameras: string[]; formats: string[]; lenses: string[]; tags: string[]; regionTags: string[]; near: Near | null;
    box: Api.GeoBox | null; favourite: boolean; hidden: boolean; album: string; weak: boolean; page: "" | PageName; at: string; view: number | null;
  }
  /// Pages beside the library.
  type PageName = "map" | "tags" | "duplicates";
  type Changes = Partial<State>;
  /// How the user says what is wanted.
  interface How { typing?: boolean; now?: boolean; finish?: boolean }
  type Change = (changes: Changes, how?: How) => void;
  type Get = () => State;

  /// A body that is sent to search.
  interface Question { depth: "usual" | "all"; [name: string]: unknown }

  /// A page of hits, of images as a whole or of things in them.
  interface Answer {
    hits: Tile[]; accepted: number; weaker: number | null; searched: number; next: string | null; find?: string | null; form?: Api.Form;
    without_regions?: number; nothing_particular?: boolean; gone?: number; said_wrong?: number;
  }

  // ---- results ----

  interface Tile extends Api.Moves {
    id: number; width: number; height: number; content: string; score: number; strength: Api.Strength; taken: string | null;
    blur: string | null; favourite: boolean; stack?: number | null; boxes?: Api.Box[]; frame?: number | null; frame_content?: string | null;
  }
  interface Item { tile: Tile; under: Tile[]; leader: number | null; spread: boolean }
  /// A place at the upper edge that holds at any width.
  interface Place { key: string; at?: number; offset?: number; share?: number }
  interface Where { y?: number; place?: Place | null }
  interface Row { from: number; to: number; y: number; height: number; lead?: number }
  interface Layout {
    rows: Row[]; boxes: Float32Array; height: number; days?: Map<number, { x: number; y: number; width: number }>;
    items?: Item[] | null; sizes?: string;
  }
  interface Section {
    key: string; title: string; count: number; items: Item[] | null; days?: number[] | null; load?: (signal?: AbortSignal) => Promise<void>;
  }
  /// A section with its place in the grid.
  interface Placed extends Section {
    y: number; height: number; from: number; layout: Layout; since?: number; again?: number; wanted?: boolean;
  }
  interface Area { left: number; top: number; right: number; bottom: number }
  interface Measures { width: number; target: number; gap: number; heading: number; lead: number; between: number }
  /// What a question found, or the library by months.
  interface ResultSet {
    ranked: boolean; started: boolean; complete: boolean; hasMore: boolean; accepted: number; searched: number; tiles: Tile[];
    expected: number; withoutRegions: number; gone: number; saidWrong: number; nothingParticular: boolean; form: Api.Form | null; asThings: string | null;
    spread: Set<number>; sort: string;
    load(signal?: AbortSignal, place?: Place | null): Promise<boolean>;
    lookAhead?(place?: Place | null): Promise<boolean>;
    ids(signal: AbortSignal): Promise<number[]>;
    items(): { length: number };
    stacked(items: { length: number }): number;
    sections(items: { length: number }): Section[];
  }

  // ---- the grid ----

  interface TileOptions { ranked: boolean; worded: boolean; things: string[] }
  interface GridOptions extends TileOptions { key: string; hrefOf: (id: number) => string }
  interface MadeTile {
    element: HTMLElement; link: HTMLAnchorElement; item: Item; box: Rect; furnish: () => void;
    select: (selected: boolean) => void; number: (index: number) => void; showFavourite: () => void; show: (width: number) => void;
  }
  interface Part {
    element: HTMLElement; heading: HTMLElement; list: HTMLElement; days: HTMLElement; title: HTMLElement; day: HTMLElement;
    count: HTMLElement; pick: HTMLButtonElement; said: string;
  }
  type Grid = import("../static/grid.js").Grid;
  type Selection = import("../static/selection.js").Selection;

  interface KeyActs {
    help: () => void; clear: () => void; boxes: () => void; stack: (id: number, index: number) => void; similar: (id: number) => void;
    more: (id: number, weight: number) => void; favourite: (id: number) => void;
  }

  /// What can be done with selected images.
  interface SelectionActs {
    all: () => unknown; similar: (ids: number[]) => void; favourite: (ids: number[]) => Promise<void>; album: () => string;
    tag: (ids: number[]) => Promise<void>; hidden: () => boolean; hide: (ids: number[], hidden: boolean) => Promise<void>; asked: () => string; matches: (ids: number[], match: boolean) => Promise<void>; boxed: () => Boxed | null;
    allows: () => Partial<Api.Allows>; ordered: () => boolean; moveFirst: (ids: number[]) => Promise<void>;
    moveBy: (ids: number[], by: 1 | -1) => Promise<void>;
    addToAlbum: (ids: number[]) => Promise<void>; removeFromAlbum: (ids: number[]) => Promise<void>; cover: (id: number) => Promise<void>;
  }

  /// Hits with boxes, and the names of the things that the boxes show.
  interface Boxed { tiles: Tile[]; things: string[] }

  /// Images that are dragged to another place of the grid.
  interface ImageDrag {
    /// A finger rests on the image at `index`: gives whether it can be dragged. If the finger is lifted where it was, `still` is called.
    grab: (index: number, press: PointerEvent, still: () => void) => boolean;
    /// Something else is shown, whose images can be dragged or not.
    follow: () => void;
  }

  // ---- filters ----

  type ListFilter = "folders" | "cameras" | "formats" | "lenses" | "tags" | "regionTags";
  type FillSheet = (body: HTMLElement, page: { get: Get; change: Change; done: () => void }) => Promise<void>;
  interface Sheet {
    icon: Icon; fill: FillSheet; value: (state: State) => string; empty: Changes; hidden?: (state: State) => boolean;
  }

  // ---- parts of the page ----

  interface Panel { open: () => void; follow: (job: Api.Job) => void; makeRegions: () => void }
  type Bar = ReturnType<typeof import("../static/bar.js").setUpBar>;
  type Viewer = ReturnType<typeof import("../static/viewer.js").setUpViewer>;
  type Navigation = import("../static/navigation.js").Navigation;
  type Server = import("../static/server.js").Server;
  type Report = import("../static/report.js").Report;
  type Pages = import("../static/pages.js").Pages;

  // ---- pages beside the library ----

  /// What such a page may use of the page around it.
  interface Host {
    get: Get; change: Change; href: (changes: Changes) => string; follow: (event: MouseEvent, act: () => unknown) => unknown;
    filter: () => Filter; view: (id: number) => void; at: (at: string) => unknown; count: (text: string) => void; busy: (is: boolean) => void;
    allows: () => Partial<Api.Allows>; changed: () => unknown;
  }
  interface Opened { started: Promise<unknown>; update: () => unknown; close: () => void }
  interface Module { style: string; open: (root: HTMLElement, host: Host) => Opened }
  /// What is asked of images besides the question.
  interface Filter {
    after?: string; before?: string; folders: string[]; cameras: string[]; formats: string[]; lenses?: string[]; tags?: string[]; region_tags?: string[];
    place?: Api.GeoBox; favourite?: boolean; hidden?: boolean; album?: string;
  }
  type Query = Record<string, string | number | boolean | null | undefined>;

  // ---- the map ----

  type View = import("../static/map_view.js").View;
  interface Pixel { x: number; y: number }
  /// Clusters that lie together on the map, by the largest of them: where it is, in pixels, and the names of all.
  type Group = Api.Cluster & Pixel & { places: Set<string> };
  /// What part of the earth is shown.
  interface MapPart { latitude: number; longitude: number; zoom: number }

  /// What the facts of an image lead to.
  interface FactActs {
    match: string | false | null | undefined; hrefOf: (filter: Changes) => string; filter: (filter: Changes) => void;
    rate: ((stars: number) => unknown) | null; tag: (() => unknown) | null;
  }
  /// What the user wants of the open image, and what the viewer needs to know of the page.
  interface ViewerActs {
    open: (id: number, options?: { replace?: boolean }) => void; close: () => void; near: () => void; ranked: () => boolean;
    finding: () => boolean; things: () => string[]; languages: () => string[]; allows: () => Partial<Api.Allows>; tagged: () => void; region: (id: number, box: Rect) => void;
    similar: (id: number) => void; more: (id: number, weight: number) => void; favourite: (id: number, wanted: boolean) => Promise<void>;
    hrefOfFilter: (filter: Changes) => string; filter: (filter: Changes) => void; search: () => void; help: () => void;
  }

  // ---- one image ----

  /// What is shown of an image before its record is there, and then the record.
  type Shown = Pick<Tile, "id" | "width" | "height" | "content"> & Partial<Pick<Api.Image, "format" | "caption" | "path" | "kind" | "start">> & Partial<Pick<Tile, "frame" | "frame_content">>;
  /// A video or an animation that is open.
  type Moving = Pick<Tile, "id" | "content" | "kind" | "start">;
  interface Sides { width: number; height: number }
  type Spot = { x: number; y: number } & Sides;
  /// Shares of an image: left, top, right, bottom.
  type Shares = [number, number, number, number];
  interface TreeFolder { path: string; name: string; images: number; parent: TreeFolder | null; children: TreeFolder[] }
}

type Timer = ReturnType<typeof setTimeout>;

/** The answer to what was asked before there were modules, once; none if that was not asked, `null` if it failed. */
declare var early: ((method: string, path: string, body?: string) => Promise<Response | null> | undefined) | undefined;
