//! What people keep of the library, by the numbers that images have in it: favourites, hidden
//! images, tags of their own, and albums.

use std::collections::HashMap;
use std::sync::Arc;

use glimpse_indexer::collections::{Album, AlbumChange, AlbumImages, Collections, NewAlbum, SavedSearch, Seen};
use glimpse_indexer::{ContentHash, Filter, IdSet, ImageId, ImageRecord, Index, IndexError, ReasonCode, Refusal};

use crate::{Engine, EngineError, FindQuery, Query};

/// Most hits of a saved search that are looked at for new ones.
const LOOKED_AT: usize = 5_000;

/// A search that is to be kept.
#[derive(Debug, Clone, Default)]
pub struct SearchToSave {
    /// The query as JSON.
    pub query: String,
    /// It asks for things in images, and not for images as a whole.
    pub regions: bool,
    /// The same as an address of the page.
    pub address: Option<String>,
    /// The images that the query and the address name by number.
    pub images: Vec<ImageId>,
}

/// How many images a saved search finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedCount {
    /// All of them.
    pub images: usize,
    /// Those that came to the library since the search was last looked at; of the first 5,000.
    pub new: usize,
}

impl Engine {
    /// Images that pass a filter.
    pub(crate) fn selected(&self, index: &Index, filter: &Filter) -> Result<IdSet, EngineError> {
        self.check_filter(index, filter)?;
        Ok(index.select(filter))
    }

    /// Refuses a filter by what there is not: tags of regions where none are kept, and images of an
    /// album that is a saved search, which has none of its own.
    pub(crate) fn check_filter(&self, index: &Index, filter: &Filter) -> Result<(), EngineError> {
        if !filter.region_tags.is_empty() && index.region_label_set()?.is_none() {
            let reason = "no tags of regions are kept; `glimpse tag --regions --keep` makes and keeps them";
            return Err(Refusal::new(ReasonCode::NoRegionTags, reason).into());
        }
        if let Some(id) = &filter.album
            && index.collections().album(id)?.search.is_some()
        {
            let reason = format!("the album `{id}` is a saved search: ask its `query` instead");
            return Err(EngineError::BadRequest(reason));
        }
        Ok(())
    }

    /// What could not be read of favourites and albums, in words; `None` if all is well.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn collections_problem(&self) -> Result<Option<String>, EngineError> {
        Ok(self.serving()?.collections().problem())
    }

    /// True if an image with this content is a favourite; false also while there is no library.
    pub fn is_favourite(&self, content: &ContentHash) -> bool {
        self.serving().is_ok_and(|index| index.collections().is_favourite(content))
    }

    /// True if an image, or the video of a frame, is a favourite.
    pub fn is_favourite_image(&self, id: ImageId) -> bool {
        self.serving().is_ok_and(|index| {
            let image = index.tiles([index.video_of(id)]).pop();
            image.is_some_and(|image| index.collections().is_favourite(&image.content))
        })
    }

    /// The favourites that can be found, by number.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn favourites(&self) -> Result<Vec<ImageId>, EngineError> {
        self.images_that_pass(&Filter { favourite: true, ..Filter::default() })
    }

    /// The images that pass a filter, by number.
    ///
    /// # Errors
    /// If there is no index yet; for an album that is not there, or is a saved search.
    pub fn images_that_pass(&self, filter: &Filter) -> Result<Vec<ImageId>, EngineError> {
        let index = self.serving()?;
        Ok(self.selected(&index, filter)?.iter().collect())
    }

    /// Makes images favourites, and others none any more; the number of favourites then, with those
    /// that are not in the library now.
    ///
    /// # Errors
    /// [`IndexError::NoSuchImage`]; if it cannot be written, and then nothing has changed.
    pub fn set_favourites(&self, add: &[ImageId], remove: &[ImageId]) -> Result<usize, EngineError> {
        let (kept, add, remove) = (self.kept()?, self.contents(add)?, self.contents(remove)?);
        Ok(kept.set_favourites(&add, &remove)?)
    }

    /// True if an image with this content is hidden; false also while there is no library.
    pub fn is_hidden(&self, content: &ContentHash) -> bool {
        self.serving().is_ok_and(|index| index.collections().is_hidden(content))
    }

    /// Hides images from all that shows or finds images, and shows others again; how many are
    /// hidden then, with those that are not in the library now.
    ///
    /// # Errors
    /// As [`Engine::set_favourites`].
    pub fn set_hidden(&self, add: &[ImageId], remove: &[ImageId]) -> Result<usize, EngineError> {
        let (kept, add, remove) = (self.kept()?, self.contents(add)?, self.contents(remove)?);
        Ok(kept.set_hidden(&add, &remove)?)
    }

    /// The tags that somebody gave to an image with this content.
    pub fn own_tags(&self, content: &ContentHash) -> Vec<String> {
        self.serving().map(|index| index.collections().tags_of(content)).unwrap_or_default()
    }

    /// Gives images tags, and takes away such that were given so; how many have others now. Tags
    /// count as keywords of the image: they are searched and filtered by.
    ///
    /// # Errors
    /// As [`Engine::set_favourites`]; for tags that are empty, of several lines, longer than 200
    /// bytes or too many.
    pub fn set_tags(&self, ids: &[ImageId], add: &[String], remove: &[String]) -> Result<usize, EngineError> {
        let index = self.writable()?;
        let records: Vec<ImageRecord> = ids.iter().map(|&id| self.image(id)).collect::<Result<_, _>>()?;
        let numbers: HashMap<_, _> = records.iter().map(|record| (record.content, record.id)).collect();
        let images: Vec<_> = records.into_iter().map(|record| (record.content, record.keywords)).collect();
        let changed = index.collections().set_tags(&images, add, remove)?;
        for (content, taken) in &changed {
            numbers.get(content).map_or(Ok(()), |&id| index.follow_tags(id, taken))?;
        }
        index.commit_with_words()?;
        Ok(changed.len())
    }

    /// All albums, by name.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn albums(&self) -> Result<Vec<Arc<Album>>, EngineError> {
        Ok(self.serving()?.collections().albums())
    }

    /// An album.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn album(&self, id: &str) -> Result<Arc<Album>, EngineError> {
        Ok(self.serving()?.collections().album(id)?)
    }

    /// The images of an album that can be found and are not hidden, in its order; none for a saved
    /// search.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn images_of(&self, album: &Album) -> Result<Vec<ImageId>, EngineError> {
        let index = self.serving()?;
        let hidden = index.collections().hidden();
        let shown: Vec<ContentHash> = album.images.iter().filter(|image| !hidden.contains(*image)).copied().collect();
        Ok(index.with_contents(&shown))
    }

    /// The image that stands for an album: the one that was chosen, else the first of its `images`,
    /// which [`Engine::images_of`] gives.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn cover_of(&self, album: &Album, images: &[ImageId]) -> Result<Option<ImageId>, EngineError> {
        let Some(cover) = album.cover else { return Ok(images.first().copied()) };
        let chosen = self.serving()?.with_contents(&[cover]);
        Ok(chosen.first().or(images.first()).copied())
    }

    /// Makes an album of images.
    ///
    /// # Errors
    /// If the name or the images make no sense; if it cannot be written.
    pub fn create_album(&self, name: &str, images: &[ImageId]) -> Result<Arc<Album>, EngineError> {
        let new = NewAlbum { name: name.to_owned(), images: self.contents(images)?, search: None };
        Ok(self.kept()?.create(new)?)
    }

    /// Keeps a search as an album. What it finds now is not new.
    ///
    /// # Errors
    /// As [`Engine::create_album`].
    pub fn save_search(&self, name: &str, search: SearchToSave) -> Result<Arc<Album>, EngineError> {
        let index = self.serving()?;
        let images = index.tiles(search.images).into_iter().map(|tile| (tile.id, tile.content)).collect();
        let SearchToSave { query, regions, address, .. } = search;
        let search = SavedSearch { query, regions, address, images: Some(images), seen: Some(self.now()?) };
        let new = NewAlbum { name: name.to_owned(), images: Vec::new(), search: Some(search) };
        Ok(self.kept()?.create(new)?)
    }

    /// The numbers that images have now which a saved search names by the numbers of its time;
    /// those that cannot be found now are left out. `None` if what they contain was not kept, and
    /// their numbers are as good as any.
    ///
    /// # Errors
    /// If there is no index yet.
    pub fn numbers_now(&self, search: &SavedSearch) -> Result<Option<HashMap<ImageId, ImageId>>, EngineError> {
        let Some(images) = &search.images else { return Ok(None) };
        if images.is_empty() {
            return Ok(Some(HashMap::new()));
        }
        let index = self.serving()?;
        let contents: Vec<ContentHash> = images.iter().map(|(_, content)| *content).collect();
        let tiles = index.tiles(index.with_contents(&contents));
        let now: HashMap<ContentHash, ImageId> = tiles.iter().map(|tile| (tile.content, tile.id)).collect();
        Ok(Some(images.iter().filter_map(|(number, content)| Some((*number, *now.get(content)?))).collect()))
    }

    /// Renames an album, or gives it a cover.
    ///
    /// # Errors
    /// As [`Engine::create_album`]; if there is no such album or image.
    pub fn change_album(
        &self,
        id: &str,
        name: Option<String>,
        cover: Option<ImageId>,
    ) -> Result<Arc<Album>, EngineError> {
        let cover = cover.map(|cover| self.contents(&[cover])).transpose()?.and_then(|cover| cover.first().copied());
        Ok(self.kept()?.change(id, &AlbumChange { name, cover, seen: None })?)
    }

    /// Adds images to an album and removes others, then puts those that are named in `order`, in
    /// that order, behind the image `after`, or first without one.
    ///
    /// # Errors
    /// As [`Engine::change_album`].
    pub fn change_album_images(
        &self,
        id: &str,
        add: &[ImageId],
        remove: &[ImageId],
        order: &[ImageId],
        after: Option<ImageId>,
    ) -> Result<Arc<Album>, EngineError> {
        let (add, remove, order) = (self.contents(add)?, self.contents(remove)?, self.contents(order)?);
        let after = self.contents(after.as_slice())?.first().copied();
        Ok(self.kept()?.change_images(id, &AlbumImages { add, remove, order, after })?)
    }

    /// Removes an album; no image is touched.
    ///
    /// # Errors
    /// If there is no such album; if it cannot be written.
    pub fn remove_album(&self, id: &str) -> Result<(), EngineError> {
        Ok(self.kept()?.remove(id)?)
    }

    /// Says that a saved search was looked at: what it finds now is not new any more.
    ///
    /// # Errors
    /// As [`Engine::remove_album`].
    pub fn album_seen(&self, id: &str) -> Result<Arc<Album>, EngineError> {
        let change = AlbumChange { seen: Some(self.now()?), ..AlbumChange::default() };
        Ok(self.kept()?.change(id, &change)?)
    }

    /// How many images the query of a saved search finds. After a change of the model none is new
    /// until it is looked at again, since images have other numbers then.
    ///
    /// # Errors
    /// Those of [`Engine::search`].
    pub fn saved_count(&self, search: &SavedSearch, query: &Query) -> Result<SavedCount, EngineError> {
        let page = self.search(&Query { limit: LOOKED_AT, cursor: None, ..query.clone() })?;
        self.count_since(search, page.accepted, page.hits.iter().map(|hit| hit.id))
    }

    /// The same of a saved search for things in images.
    ///
    /// # Errors
    /// Those of [`Engine::find`].
    pub fn saved_find_count(&self, search: &SavedSearch, query: &FindQuery) -> Result<SavedCount, EngineError> {
        let page = self.find(&FindQuery { limit: LOOKED_AT, cursor: None, fine: false, ..query.clone() })?;
        self.count_since(search, page.accepted, page.images.iter().map(|image| image.id))
    }

    /// How many of the images that a search accepts came since it was looked at. They come first in
    /// what it `found`.
    fn count_since(
        &self,
        search: &SavedSearch,
        accepted: usize,
        found: impl Iterator<Item = ImageId>,
    ) -> Result<SavedCount, EngineError> {
        let now = self.now()?;
        let since = search.seen.as_ref().filter(|seen| seen.generation == now.generation);
        let since = since.map_or(u64::MAX, |seen| seen.next);
        Ok(SavedCount { images: accepted, new: found.take(accepted).filter(|id| id.0 >= since).count() })
    }

    /// What is kept, to change it.
    pub(crate) fn kept(&self) -> Result<Arc<Collections>, EngineError> {
        let index = self.serving()?;
        if let Some(reason) = self.library.obstacle() {
            return Err(IndexError::ReadOnly { dir: self.library.home().to_path_buf(), reason }.into());
        }
        Ok(index.collections())
    }

    /// What images contain.
    pub(crate) fn contents(&self, ids: &[ImageId]) -> Result<Vec<ContentHash>, EngineError> {
        let index = self.serving()?;
        let tiles = index.tiles(ids.iter().map(|&id| index.video_of(id)));
        if tiles.len() < ids.len() {
            let known: std::collections::HashSet<ImageId> = tiles.iter().map(|tile| tile.id).collect();
            let unknown = ids.iter().find(|&&id| !known.contains(&index.video_of(id))).copied().unwrap_or_default();
            return Err(IndexError::NoSuchImage(unknown).into());
        }
        Ok(tiles.iter().map(|tile| tile.content).collect())
    }

    /// The library as it is now, for what comes to it later.
    fn now(&self) -> Result<Seen, EngineError> {
        let index = self.serving()?;
        let generation = index.dir().file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(Seen { generation: generation.unwrap_or_default(), next: index.numbers_end() })
    }
}
