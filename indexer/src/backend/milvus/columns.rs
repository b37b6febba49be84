//! Rows as columns, which is how the server takes them.

use super::collections::VECTOR;
use super::expression::{NO_DATE, NO_NAME, NO_PLACE, folder_numbers, name_number};
use super::messages::{
    Arrays, Bools, Data, DataType, Doubles, FieldData, Floats, Longs, Scalars, Values, VectorData, Vectors,
};
use crate::backend::RowFacts;

/// Columns that both collections have, one value for each row.
#[derive(Default)]
pub struct Columns {
    ids: Vec<i64>,
    vectors: Vec<f32>,
    present: Vec<bool>,
    taken: Vec<i64>,
    camera: Vec<i64>,
    format: Vec<i64>,
    latitude: Vec<f64>,
    longitude: Vec<f64>,
    folders: Vec<Vec<i64>>,
    /// Of regions only.
    images: Vec<i64>,
    areas: Vec<f32>,
}

impl Columns {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn push(&mut self, id: i64, vector: &[f32], facts: &RowFacts) {
        let (latitude, longitude) = facts.place.unwrap_or((NO_PLACE, NO_PLACE));
        self.ids.push(id);
        self.vectors.extend_from_slice(vector);
        self.present.push(facts.present);
        self.taken.push(facts.taken.unwrap_or(NO_DATE));
        self.camera.push(facts.camera.as_deref().map_or(NO_NAME, name_number));
        self.format.push(facts.format.code().into());
        self.latitude.push(latitude);
        self.longitude.push(longitude);
        self.folders.push(folder_numbers(facts.folders.iter().map(|folder| folder.as_path())));
    }

    /// As [`Columns::push`], for a region of an image.
    pub fn push_region(&mut self, id: i64, (image, area): (i64, f32), vector: &[f32], facts: &RowFacts) {
        self.push(id, vector, facts);
        self.images.push(image);
        self.areas.push(area);
    }

    /// In the form in which they are sent.
    pub fn fields(self, dim: usize) -> Vec<FieldData> {
        let scalar = |name: &str, kind: DataType, data: Data| FieldData {
            data_type: kind as i32,
            name: name.to_owned(),
            values: Some(Values::Scalars(Scalars { data: Some(data) })),
        };
        let longs = |name: &str, data: Vec<i64>| scalar(name, DataType::Int64, Data::Longs(Longs { data }));
        let doubles = |name: &str, data: Vec<f64>| scalar(name, DataType::Double, Data::Doubles(Doubles { data }));
        let list = |data: Vec<i64>| Scalars { data: Some(Data::Longs(Longs { data })) };
        let folders = self.folders.into_iter().map(list).collect();
        let folders = Data::Arrays(Arrays { data: folders, element_type: DataType::Int64 as i32 });
        let floats = VectorData::Floats(Floats { data: self.vectors });
        let mut fields = vec![
            longs("id", self.ids),
            FieldData {
                data_type: DataType::FloatVector as i32,
                name: VECTOR.to_owned(),
                values: Some(Values::Vectors(Vectors { dim: dim as i64, data: Some(floats) })),
            },
            scalar("present", DataType::Bool, Data::Bools(Bools { data: self.present })),
            longs("taken", self.taken),
            longs("camera", self.camera),
            longs("format", self.format),
            doubles("latitude", self.latitude),
            doubles("longitude", self.longitude),
            scalar("folders", DataType::Array, folders),
        ];
        if !self.images.is_empty() {
            fields.push(longs("image", self.images));
            fields.push(scalar("area", DataType::Float, Data::Floats(Floats { data: self.areas })));
        }
        fields
    }
}

/// The numbers in a column.
pub fn longs_of(field: &FieldData) -> &[i64] {
    match &field.values {
        Some(Values::Scalars(Scalars { data: Some(Data::Longs(longs)) })) => &longs.data,
        _ => &[],
    }
}

/// The values of all vectors in a column, one vector after the other.
pub fn floats_of(field: &FieldData) -> &[f32] {
    match &field.values {
        Some(Values::Vectors(Vectors { data: Some(VectorData::Floats(floats)), .. })) => &floats.data,
        _ => &[],
    }
}
