//! What can be asked of regions: things, how many of each, what must not be there, and how they
//! lie.

use glimpse_encoder::dense::Rect;
use glimpse_indexer::{ReasonCode, Refusal};

use crate::EngineError;
use crate::query::text_is_sound;

/// Most things of a form, and most that it rules out.
pub const MAX_OBJECTS: usize = 8;
/// Most boxes of a thing that a form can ask for.
pub const MAX_COUNT: usize = 10;

/// A question about what images show and where, in the form that `docs/query-form.md` describes. It
/// is also the JSON that programs send.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StructuredQuery {
    /// What an image must show, as different regions of it.
    pub things: Vec<QueryObject>,
    /// What no region of it may show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// How things lie to each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<Relation>,
}

/// Something that an image must show.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryObject {
    /// Its name, in any language.
    pub text: String,
    /// Fewest regions that show it.
    #[serde(default = "one")]
    pub at_least: usize,
    /// Most regions that show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<usize>,
}

/// `first` lies so to `second`, both being places in [`StructuredQuery::things`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// A thing.
    pub first: usize,
    /// How it lies.
    pub is: SpatialRelation,
    /// Another thing.
    pub second: usize,
}

/// How one box lies to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpatialRelation {
    /// Its centre is left of the other's, and they share less than half of the narrower one's
    /// width.
    LeftOf,
    /// The same to the right.
    RightOf,
    /// Its centre is above the other's, and they share less than half of the lower one's height.
    Above,
    /// The same below.
    Below,
    /// At least four fifths of it lie in the other, which is larger.
    Inside,
    /// Its box is larger.
    LargerThan,
    /// Its box is smaller.
    SmallerThan,
}

fn one() -> usize {
    1
}

impl QueryObject {
    /// One of these or more.
    pub fn named(text: impl Into<String>) -> Self {
        Self { text: text.into(), at_least: 1, at_most: None }
    }

    /// True if the number of regions is as asked.
    pub fn allows(&self, count: usize) -> bool {
        count >= self.at_least && self.at_most.is_none_or(|most| count <= most)
    }
}

impl SpatialRelation {
    /// All, with their words in the query form.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::LeftOf, "left of"),
        (Self::RightOf, "right of"),
        (Self::Above, "above"),
        (Self::Below, "below"),
        (Self::Inside, "inside"),
        (Self::LargerThan, "larger than"),
        (Self::SmallerThan, "smaller than"),
    ];

    /// The words in the query form.
    pub fn words(self) -> &'static str {
        Self::ALL.iter().find(|(spatial, _)| *spatial == self).map_or("", |(_, words)| words)
    }

    /// True if `first` lies so to `second`.
    pub fn holds(self, first: &Rect, second: &Rect) -> bool {
        const SHARED: f32 = 0.5;
        const WITHIN: f32 = 0.8;
        let ((x1, y1), (x2, y2)) = (first.centre(), second.centre());
        let common = (first.right.min(second.right) - first.left.max(second.left)).max(0.0);
        let aside = common < SHARED * (first.right - first.left).min(second.right - second.left);
        let common = (first.bottom.min(second.bottom) - first.top.max(second.top)).max(0.0);
        let apart = common < SHARED * (first.bottom - first.top).min(second.bottom - second.top);
        match self {
            Self::LeftOf => x1 < x2 && aside,
            Self::RightOf => x1 > x2 && aside,
            Self::Above => y1 < y2 && apart,
            Self::Below => y1 > y2 && apart,
            Self::Inside => first.share_inside(second) >= WITHIN && first.area() < second.area(),
            Self::LargerThan => first.area() > second.area(),
            Self::SmallerThan => first.area() < second.area(),
        }
    }

    /// The same seen from the other thing, if there is a word for it.
    pub fn reversed(self) -> Option<Self> {
        match self {
            Self::LeftOf => Some(Self::RightOf),
            Self::RightOf => Some(Self::LeftOf),
            Self::Above => Some(Self::Below),
            Self::Below => Some(Self::Above),
            Self::LargerThan => Some(Self::SmallerThan),
            Self::SmallerThan => Some(Self::LargerThan),
            Self::Inside => None,
        }
    }
}

impl StructuredQuery {
    /// A single thing.
    pub fn thing(text: impl Into<String>) -> Self {
        Self { things: vec![QueryObject::named(text)], ..Self::default() }
    }

    /// Says what makes no sense, before any work is done.
    pub(crate) fn validate(&self) -> Result<(), EngineError> {
        if self.things.is_empty() {
            let text = "nothing to find: name a thing that images must show";
            return Err(Refusal::new(ReasonCode::NothingToFind, text).into());
        }
        if self.things.len() > MAX_OBJECTS || self.without.len() > MAX_OBJECTS {
            let text = format!("a form has {MAX_OBJECTS} things at most, and rules out as many");
            return Err(Refusal::new(ReasonCode::TooManyThings, text).at_most(MAX_OBJECTS).into());
        }
        self.things.iter().map(|thing| &thing.text).chain(&self.without).try_for_each(|text| text_is_sound(text))?;
        for thing in &self.things {
            let most = thing.at_most.unwrap_or(MAX_COUNT);
            if !(1..=MAX_COUNT).contains(&thing.at_least) || !(thing.at_least..=MAX_COUNT).contains(&most) {
                let (text, least) = (&thing.text, thing.at_least);
                let reason = format!("{least} to {most} of `{text}`: counts go from 1 to {MAX_COUNT}, rising");
                return Err(Refusal::new(ReasonCode::BadCount, reason).about(text).at_most(MAX_COUNT).into());
            }
        }
        let known = |thing: usize| thing < self.things.len();
        match self.relations.iter().find(|r| !known(r.first) || !known(r.second) || r.first == r.second) {
            Some(odd) => {
                let reason = format!(
                    "things {} and {} cannot be `{}`: a relation is between two different ones of the {} things, from 0",
                    odd.first,
                    odd.second,
                    odd.is.words(),
                    self.things.len()
                );
                let refusal = Refusal::new(ReasonCode::BadRelation, reason);
                Err(match self.things.get(odd.first) {
                    Some(thing) => refusal.about(&thing.text),
                    None => refusal,
                }
                .into())
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    fn rect(left: f32, top: f32, right: f32, bottom: f32) -> Rect {
        Rect { left, top, right, bottom }
    }

    #[test]
    fn boxes_lie_as_people_would_say() {
        let (small, large) = (rect(0.1, 0.4, 0.2, 0.5), rect(0.5, 0.3, 0.9, 0.9));
        let inner = rect(0.6, 0.5, 0.7, 0.6);
        let holding = |a: &Rect, b: &Rect| -> Vec<SpatialRelation> {
            SpatialRelation::ALL.iter().map(|(spatial, _)| *spatial).filter(|spatial| spatial.holds(a, b)).collect()
        };
        assert_eq!(holding(&small, &large), [SpatialRelation::LeftOf, SpatialRelation::SmallerThan]);
        assert_eq!(holding(&large, &small), [SpatialRelation::RightOf, SpatialRelation::LargerThan]);
        assert_eq!(holding(&inner, &large), [SpatialRelation::Inside, SpatialRelation::SmallerThan]);
        assert_eq!(holding(&rect(0.5, 0.0, 0.9, 0.2), &large), [SpatialRelation::Above, SpatialRelation::SmallerThan]);
        assert_eq!(holding(&small, &small), []);
    }

    #[test]
    fn a_relation_reversed_says_the_same() {
        let boxes = [rect(0.0, 0.0, 0.3, 0.2), rect(0.5, 0.1, 0.6, 0.9), rect(0.1, 0.1, 0.2, 0.15)];
        for (a, b) in each(boxes.iter().flat_map(|a| boxes.iter().map(move |b| (a, b)))) {
            for (spatial, _) in SpatialRelation::ALL {
                assert!(spatial.reversed().is_none_or(|reversed| reversed.holds(b, a) == spatial.holds(a, b)));
            }
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        let two = || vec![QueryObject::named("a"), QueryObject::named("b")];
        let relation = |first, second| vec![Relation { first, is: SpatialRelation::Above, second }];
        let nonsense = [
            StructuredQuery::default(),
            StructuredQuery::thing("  "),
            StructuredQuery { things: vec![QueryObject::named("a"); MAX_OBJECTS + 1], ..StructuredQuery::default() },
            StructuredQuery {
                things: vec![QueryObject { at_least: 0, ..QueryObject::named("a") }],
                ..StructuredQuery::default()
            },
            StructuredQuery {
                things: vec![QueryObject { at_least: 3, at_most: Some(2), ..QueryObject::named("a") }],
                ..StructuredQuery::default()
            },
            StructuredQuery { things: two(), relations: relation(0, 2), ..StructuredQuery::default() },
            StructuredQuery { things: two(), relations: relation(1, 1), ..StructuredQuery::default() },
            StructuredQuery { things: two(), without: vec![String::new()], ..StructuredQuery::default() },
        ];
        for form in each(nonsense) {
            assert!(matches!(form.validate(), Err(EngineError::Refused(_))), "{form:?}");
        }
        StructuredQuery { things: two(), relations: relation(1, 0), without: vec!["c".into()] }.validate().unwrap();
    }

    #[test]
    fn json_leaves_out_what_goes_without_saying() {
        let json = serde_json::to_string(&StructuredQuery::thing("狗")).unwrap();
        assert_eq!(json, r#"{"things":[{"text":"狗","at_least":1}]}"#);
        let form: StructuredQuery = serde_json::from_str(
            r#"{"things":[{"text":"a"},{"text":"b"}],"relations":[{"first":0,"is":"left-of","second":1}]}"#,
        )
        .unwrap();
        assert_eq!(form.relations, [Relation { first: 0, is: SpatialRelation::LeftOf, second: 1 }]);
        assert!(serde_json::from_str::<StructuredQuery>(r#"{"things":[],"wihtout":[]}"#).is_err());
    }
}
