//! Images on the map.

use actix_web::{HttpResponse, web};
use glimpse_engine::{City, Cluster, Engine, Filter, GeoBox};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::forms::FilterForm;
use crate::error::ApiError;
use crate::extract::Json;
use crate::state::{AppState, run_search};
use crate::wire::names;

/// Which images, and how near they are looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MapForm {
    /// Conditions on stored facts, which must all hold.
    #[serde(default)]
    filter: FilterForm,
    /// What the map shows; everything unless said otherwise. `west > east` crosses the date line.
    #[serde(rename = "box")]
    #[schema(value_type = Option<names::GeoBox>)]
    area: Option<GeoBox>,
    /// Images are gathered in cells of `360 / 2^zoom / 8` degrees, in larger ones where there would
    /// be more than 2,000.
    #[schema(minimum = 0, maximum = 18)]
    zoom: u8,
}

/// Images with a place, gathered.
#[derive(Serialize, ToSchema)]
pub struct MapView {
    /// Images in the box that pass the filter.
    count: usize,
    /// The box around all of them; none without images.
    #[schema(value_type = Option<names::GeoBox>)]
    bounds: Option<GeoBox>,
    /// Images that lie together, 2,000 clusters at most.
    clusters: Vec<ClusterView>,
}

/// Images that lie together.
#[derive(Serialize, ToSchema)]
pub struct ClusterView {
    /// Their mean.
    latitude: f64,
    longitude: f64,
    /// How many there are.
    images: usize,
    /// The newest of them.
    id: u64,
    /// The box around them.
    #[schema(value_type = names::GeoBox)]
    bounds: GeoBox,
    /// The nearest city within 50 km, as GeoNames spells it.
    name: Option<String>,
    /// Its country (ISO 3166-1 alpha-2).
    country: Option<String>,
}

/// Images on the map
///
/// Images with a place that pass a filter and lie in a box, those that lie together as one.
#[utoipa::path(post, path = "/api/v1/map", operation_id = "map", tag = "library",
    request_body(content = MapForm, example = json!({"filter": {},
        "box": {"south": 40.0, "west": 0.0, "north": 50.0, "east": 10.0}, "zoom": 5})),
    responses((status = 200, description = "Images by where they were taken", body = MapView)))]
pub async fn map(state: web::Data<AppState>, Json(form): Json<MapForm>) -> Result<HttpResponse, ApiError> {
    if form.zoom > Engine::MAX_ZOOM {
        return Err(ApiError::bad_request(format!("`zoom` is {}; it goes from 0 to {}", form.zoom, Engine::MAX_ZOOM)));
    }
    let (filter, area, zoom) = (Filter::try_from(form.filter)?, form.area, form.zoom);
    let map = run_search(&state, move |state| Ok(state.engine.map(&filter, area.as_ref(), zoom)?)).await?;
    let clusters = map.clusters.into_iter().map(view).collect();
    Ok(HttpResponse::Ok().json(MapView { count: map.images, bounds: map.bounds, clusters }))
}

fn view((cluster, city): (Cluster, Option<City>)) -> ClusterView {
    ClusterView {
        latitude: cluster.latitude,
        longitude: cluster.longitude,
        images: cluster.images,
        id: cluster.newest.0,
        bounds: cluster.bounds,
        name: city.map(|city| city.name.to_owned()),
        country: city.map(|city| city.country.to_owned()),
    }
}
