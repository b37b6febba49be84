// What the page takes answers to be (web/types/api.d.ts), compared with the types made from the description. `run.sh` lays
// this beside those types.

import type { components } from "./api";

type Described = components["schemas"];
/// The server writes what is not there as null, and leaves nothing out.
type Whole<T> = T extends (infer Part)[] ? Whole<Part>[] : T extends object ? { [Key in keyof T]-?: Whole<T[Key]> } : T;
/// An error unless every value of the second type is one of the first.
type Takes<Page, Answer extends Page> = [Page, Answer];

export type Compared = [
  Takes<Api.Page, Whole<Described["PageView_TileView"]>>,
  Takes<Api.FoundPage, Whole<Described["FoundPageView_FoundTileView"]>>,
  Takes<Api.Images, Whole<Described["ImagesView"]>>,
  Takes<Api.Timeline, Whole<Described["TimelineView"]>>,
  Takes<Api.Tiles, Whole<Described["TilesView"]>>,
  Takes<Api.Grounding, Whole<Described["GroundView"]>>,
  Takes<Api.Segmentation, Whole<Described["SegmentationView"]>>,
  Takes<Api.Regions, Whole<Described["RegionsView"]>>,
  Takes<Api.Captions, Whole<Described["CaptionsView"]>>,
  Takes<Api.Upload, Whole<Described["UploadView"]>>,
  Takes<Api.Albums, Whole<Described["AlbumsView"]>>,
  Takes<Api.Suggestions, Whole<Described["SuggestView"]>>,
  Takes<Api.Clusters, Whole<Described["MapView"]>>,
  Takes<Api.Tags, Whole<Described["TagListView"]>>,
  Takes<Api.Groups, Whole<Described["GroupsView"]>>,
  Takes<Api.Trashed, Whole<Described["TrashView"]>>,
  Takes<Api.Sidecars, Whole<Described["SidecarsView"]>>,
  Takes<Api.Browse, Whole<Described["BrowseView"]>>,
  Takes<Api.Runs, Whole<Described["RunsView"]>>,
  Takes<Api.Facets, Whole<Described["FacetsView"]>>,
  Takes<Api.Folders, Whole<Described["FoldersView"]>>,
  Takes<Api.Stats, Whole<Described["StatsView"]>>,
  Takes<Api.Health, Whole<Described["HealthView"]>>,
  Takes<Api.Job, Whole<Described["JobView"]>>,
  Takes<Api.Jobs, Whole<Described["JobsView"]>>,
  Takes<Api.Failures, Whole<Described["FailuresView"]>>,
  Takes<Api.Problem, Whole<Described["ApiError"]>>,
];
