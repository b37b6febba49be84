// Answers of the server, as far as the page reads them. `tests/openapi` compares them with the description of the API.

declare namespace Api {
  type Strength = "weak" | "likely" | "strong";
  type Lies = "left-of" | "right-of" | "above" | "below" | "inside" | "larger-than" | "smaller-than";

  interface Box { thing: number; x: number; y: number; width: number; height: number; area: number; score: number }

  type Kind = "image" | "animation" | "video";
  /// What is said of something that moves. Times are in seconds; `start` of a hit is that of the frame that was found.
  interface Moves { kind?: Kind; duration?: number | null; start?: number | null; end?: number | null }

  interface Tile extends Moves {
    id: number; width: number; height: number; score: number; strength: Strength; taken: string | null; content: string;
    blur: string | null; favourite: boolean; stack: number | null; frame?: number | null; frame_content?: string | null; matching_frames?: number;
  }
  interface FoundTile extends Tile { boxes: Box[] }

  interface Page<T = Tile> { hits: T[]; accepted: number; weaker: number; searched: number; gone: number; said_wrong: number; next: string | null; find: string | null }
  interface FoundPage<T = FoundTile> {
    form: Form; hits: T[]; accepted: number; weaker: number | null; searched: number; next: string | null;
    nothing_particular: boolean; without_regions: number;
  }
  interface Similar { hits: Tile[] }

  /// What was understood of a question about things.
  interface Form { things: Thing[]; without?: string[] | null; relations?: Relation[] | null }
  interface Thing { text: string; at_least: number; at_most?: number | null }
  interface Relation { first: number; is: Lies; second: number }

  interface Place { latitude: number; longitude: number }
  interface Image extends Moves {
    id: number; path: string; files: string[]; companions: Companion[]; content: string; format: string; width: number; height: number; bytes: number;
    taken: string | null; camera: string | null; place: Place | null; caption: string | null; keywords: string[]; own_tags?: string[]; favourite: boolean;
    lens: string | null; focal_length: number | null; aperture: number | null; exposure_time: number | null; iso: number | null;
    rating: number | null; place_name: string | null; country: string | null; shown_by_browsers: boolean; orientation: number | null;
  }
  /// Another file of the same shot.
  interface Companion { path: string; role: "raw" | "motion" | "original" }
  interface Images { images: Image[] }
  /// Frames of a video, by their start: each is what was indexed of a shot.
  interface Frames { image: number; kind: Kind; duration: number; frames: Frame[] }
  interface Frame { id: number; content: string; start: number; end: number; width: number; height: number }

  interface Timeline { count: number; months: Month[] }
  interface Month { month: string | null; count: number }
  /// Columns of equal length.
  interface Tiles {
    count: number; id: number[]; width: number[]; height: number[]; taken: (number | null)[]; blur: (string | null)[];
    favourite: number[]; stack: (number | null)[]; version: string[];
    /// Those that are no still images.
    moving?: { id: number; kind: Kind; duration: number }[];
  }

  interface Grounding { things: { text: string; boxes: Box[] }[] }
  /// What every pixel of an image shows; masks are runs as COCO writes them.
  interface Segmentation {
    labels: { label: string; area: number; colour: string | null }[]; unlabelled: number;
    segments: { label: number; area: number; rle: { size: number[]; counts: string } | null }[];
  }
  interface Regions { width: number; height: number; regions: { x: number; y: number; width: number; height: number }[] }
  interface ImageTags {
    id: number; width: number; height: number; kept: boolean; image: { label: string; score: number }[];
    regions: { label: string; score: number; area: number; x: number; y: number; width: number; height: number }[];
  }
  interface Captions { captions: { text: string; probability: number }[] }
  interface Upload { key: string }

  interface Album {
    id: string; name: string; count: number | null; cover: number | null; query: unknown; find: unknown; similar: unknown; address: string | null; new: number;
  }
  interface Albums { albums: Album[] }

  interface Facet { value: string; images: number }
  interface Facets {
    cameras: Facet[]; lenses: Facet[]; tags: Facet[]; region_tags?: Facet[]; formats: Facet[]; folders: Facet[]; years: Facet[]; first_taken: string | null; last_taken: string | null;
  }
  interface Suggestions { examples: string[]; did_you_mean: Correction[]; question: "find" | null }
  interface Correction { typed: string; word: string }
  interface Tags { tags: { tag: string; images: number; cover: number }[] }
  /// A box on the map in degrees; `west > east` crosses the 180th meridian.
  interface GeoBox { south: number; west: number; north: number; east: number }
  interface Clusters { count: number; bounds: GeoBox | null; clusters: Cluster[] }
  interface Cluster {
    latitude: number; longitude: number; images: number; id: number; bounds: GeoBox; name: string | null; country: string | null;
  }
  interface Groups { groups: { images: Image[] }[]; total: number }
  interface Trashed { moved: string[]; failed: Failure[] }
  /** A file that came to nothing; `reason_code` is one of `ReasonCode` in the description of the API. */
  interface Failure { path: string; reason: string; reason_code?: string | null }
  interface Browse { path: string; parent: string | null; folders: { name: string; path: string; images: number }[] }
  interface Runs { runs: Run[] }
  interface Run {
    began: string; ended: string; by: "command line" | "server" | "watch"; roots: string[]; seen: number; added: number; removed: number; failed: number;
    outcome: "done" | "stopped" | "failed"; message: string | null; reason_code?: string | null;
  }
  interface Sidecars { written: string[]; unchanged: number; failed: Failure[] }
  interface Allows { trash: boolean; sidecars: boolean; reveal: boolean; roots: boolean; tag?: boolean; hide?: boolean; feedback?: boolean; rate?: boolean }
  interface LibraryChange { revision: number; images: number }
  interface Folder { path: string; images: number; present: boolean }
  interface Folders { roots: Folder[] }

  /** What compares a query with the vectors of a library. */
  type SearchedBy = "scan" | "scan_while_graph_is_built" | "scan_in_place_of_graph" | "graph" | "server";
  interface Stats {
    images: number; files: number; missing: number; disk_bytes: number; search: string; searched_by: SearchedBy; scores_fitted_on: string | null;
    model: { name: string; backend: string };
    regions?: boolean; region_tags?: { labels: number; tagged: number; waiting: number } | null;
  }
  interface Health {
    allows?: Allows; region_tags?: boolean;
    watching?: boolean;
    library: "ready" | "empty" | "opening" | "unusable"; images: number; job: Job | null;
    model: { state: "loading" | "ready" | "failed"; name: string | null; captions: string[] };
  }

  interface Counts {
    indexed: number; unchanged: number; moved: number; duplicate: number; paired: number; skipped: number; failed: number; missing: number; pruned: number;
  }
  type JobKind = "index" | "tag_regions";
  interface Job {
    id: number; state: "running" | "paused" | "done" | "cancelled" | "failed"; kind?: JobKind; unit?: "files" | "labels" | "images"; roots: string[]; found: number; found_all: boolean;
    done: number; counts: Counts; rate: number; eta: number | null; seconds: number; failures: number; error: string | null; reason_code?: string | null;
  }
  interface Jobs { jobs: Job[] }
  interface Failures { failures: Failure[]; total: number }

  interface Problem { code: string; message: string; hint?: string | null; reason_code?: string | null; word?: string | null; limit?: number | null }
}
