//! Fuzz targets: what clients send, as the forms that handlers get and the queries that are made of
//! them. An input is a path, and behind it a query string or, in the next line, a body.

use actix_web::web::Query;
use glimpse_engine::{FindQuery, Query as Search};
use glimpse_fuzz::{Outcome, Target};
use serde::de::DeserializeOwned;

use super::forms::{FullForm, MAX_RECORDS, MAX_TILES, SimpleForm};
use super::{caption, find, groups, images, jobs, library, regions, search, segment};
use crate::error::ApiError;
use crate::uploads::Uploads;

#[test]
fn query_strings() {
    let seeds = [
        "search?q=red+boat+-+%22old+-+town%22&mode=hybrid&sort=newest&limit=3&after=2024-05&format=jpeg&camera=Pixel",
        "search?like=17&all=true&depth=strict&cursor=00&before=2024-05-17T18:30&folder=%2Fa",
        "find?q=dog+left+of+ball%2C+no+cat&min_area=0.1&max_boxes=5&fine=true&limit=20&sort=oldest",
        "similar?limit=3&depth=all",
        "images?ids=1,2,3",
        "thumbnail?size=640&v=abc",
        "original?download=true",
        "heatmap?text=dog&size=640",
        "facets?after=2024&camera=Pixel&folder=a&format=heic",
        "duplicates?min_cosine=0.97&limit=10&offset=3",
        "failures?offset=1&limit=2",
    ];
    let words =
        ["&", "=", "%", "%00", "%FF", "%E2%80%AE", "+", "[]", "1e39", "NaN", "inf", "-1", "usual", "words", "semantic"];
    Target::new("query-strings").seeds(seeds).words(&words).run(|input| {
        let text = String::from_utf8_lossy(input);
        let (path, query) = text.split_once('?').ok_or("no query string")?;
        match path {
            "search" => told_search(full(of_query::<SimpleForm>(query)?.into())),
            "find" => told_find(of_query::<find::TypedForm>(query)?.into_query()),
            "similar" => only::<search::SimilarForm>(query),
            "images" => only::<images::IdsForm>(query),
            "thumbnail" => only::<images::ThumbnailForm>(query),
            "original" => only::<images::OriginalForm>(query),
            "heatmap" => only::<regions::HeatmapForm>(query),
            "facets" => only::<library::FacetsForm>(query),
            "duplicates" => only::<groups::DuplicatesForm>(query),
            "failures" => only::<jobs::FailuresForm>(query),
            _ => Err("nothing there".to_owned()),
        }
    });
}

#[test]
fn json_bodies() {
    let seeds = [
        "search\n{\"terms\": [{\"text\": \"dog\", \"weight\": -1}, {\"image\": 3}], \"limit\": 3, \"mode\": \"semantic\",
            \"filter\": {\"after\": \"2024\", \"folders\": [\"a\"], \"formats\": [\"bmp\"],
            \"place\": {\"south\": 1, \"west\": 2, \"north\": 3, \"east\": 4}}}",
        "find\n{\"things\": [{\"text\": \"dog\", \"at_least\": 2}, {\"text\": \"ball\"}], \"without\": [\"cat\"], \"q\": \"two birds\",
            \"relations\": [{\"first\": 0, \"is\": \"left-of\", \"second\": 1}], \"min_area\": 0.1, \"max_boxes\": 3}",
        "similar\n{\"image\": 17, \"box\": {\"x\": 40, \"y\": 30, \"width\": 120, \"height\": 90}, \"sort\": \"newest\"}",
        "ground\n{\"image\": 3, \"texts\": [\"dog\", \"cat\"], \"all\": true, \"detail\": 2}",
        "tag\n{\"labels\": [\"dog\", \"cat\"], \"limit\": 2, \"max_tags\": 1, \"min_score\": 0.1}",
        "caption\n{\"image\": 3, \"parts\": true, \"language\": \"de\"}",
        "segment\n{\"image\": 3, \"labels\": [\"dog\", \"sky\"], \"panoptic\": true, \"stuff\": [\"sky\"], \"size\": 64, \"masks\": \"map\"}",
        "jobs\n{\"roots\": [\"a\"], \"prune\": true, \"hidden\": false, \"regions\": true}",
    ];
    let words = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "null",
        "true",
        "1e39",
        "\\ud800",
        "\"cursor\":",
        "\"depth\":",
        "\"picture\":",
        "\"filter\":",
        "\"cameras\":",
        "\"fine\":",
        "\"heatmap\":",
        "\"offset\":",
    ];
    Target::new("json-bodies").seeds(seeds).words(&words).run(|input| {
        let at = input.iter().position(|&byte| byte == b'\n').ok_or("no body")?;
        let (path, body) = input.split_at(at);
        match path {
            b"search" => told_search(full(of_body(body)?)),
            b"find" => told_find(of_body::<find::BuiltForm>(body)?.into_query()),
            b"similar" => of_body::<find::LikeForm>(body).map(kind),
            b"ground" => of_body::<regions::GroundForm>(body).map(kind),
            b"tag" => of_body::<groups::TagForm>(body).map(kind),
            b"caption" => of_body::<caption::CaptionForm>(body).map(kind),
            b"segment" => of_body::<segment::SegmentForm>(body).map(kind),
            b"jobs" => of_body::<jobs::JobForm>(body).map(kind),
            _ => Err("nothing there".to_owned()),
        }
    });
}

fn of_query<T: DeserializeOwned>(query: &str) -> Result<T, String> {
    Query::from_query(query).map(Query::into_inner).map_err(|error| error.to_string())
}

fn of_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn only<T: DeserializeOwned>(query: &str) -> Outcome {
    of_query::<T>(query).map(kind)
}

fn kind<T>(_: T) -> String {
    std::any::type_name::<T>().to_owned()
}

fn full(form: FullForm) -> Result<Search, ApiError> {
    form.into_query(40, MAX_RECORDS, &Uploads::default())
}

fn told_search(query: Result<Search, ApiError>) -> Outcome {
    let query = query.map_err(|error| error.to_string())?;
    assert!((1..=MAX_RECORDS).contains(&query.limit));
    Ok(format!("{} terms, {:?}, {:?}, {:?}", query.terms.len().min(4), query.mode, query.sort, query.depth))
}

fn told_find(query: Result<FindQuery, ApiError>) -> Outcome {
    let query = query.map_err(|error| error.to_string())?;
    assert!((1..=MAX_TILES).contains(&query.limit) && (1..=63).contains(&query.max_boxes));
    Ok(format!("{:?}, {:?}, fine: {}", query.sort, query.depth, query.fine))
}
