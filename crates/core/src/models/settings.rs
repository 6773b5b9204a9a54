//! The settings of a training run.

use keyrack_store::ProjectType;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Invalid;

const STEPS: std::ops::RangeInclusive<u32> = 10..=20_000;
const SIDES: std::ops::RangeInclusive<u32> = 64..=640;

/// The optional settings of a training run. `None` selects the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TrainSettings {
    /// The seed of the random numbers; 0 by default. The same images and seed give the same model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// The number of training steps, with eight images per step: 10 to 20000, 700 by default. For detectors only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// The side of the square to which each image is scaled, in pixels: a multiple of 32 from 64 to 640, 320 by
    /// default. For detectors only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_size: Option<u32>,
}

impl TrainSettings {
    /// Validates the settings for this type of project and returns them as JSON for the store.
    pub fn check(self, project_type: ProjectType) -> Result<Value, Invalid> {
        let is_detector = project_type == ProjectType::ObjectDetection;
        let only = |given: Option<u32>| match given {
            Some(_) if !is_detector => Err("Only models for object_detection have this setting."),
            _ => Ok(()),
        };
        let within = |given: Option<u32>, fits: &dyn Fn(u32) -> bool, expected| match given {
            Some(number) if !fits(number) => Err(expected),
            _ => Ok(()),
        };
        let steps = within(self.steps, &|steps| STEPS.contains(&steps), "Use a number from 10 to 20,000.");
        let fits = |side: u32| SIDES.contains(&side) && side.is_multiple_of(32);
        let side = within(self.input_size, &fits, "Use a multiple of 32 from 64 to 640.");
        let mut invalid = Invalid::default();
        let steps = invalid.take("settings.steps", only(self.steps).and(steps));
        let side = invalid.take("settings.inputSize", only(self.input_size).and(side));
        match (steps, side) {
            (Some(()), Some(())) => Ok(serde_json::to_value(self).unwrap_or_default()),
            _ => Err(invalid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(value: Value) -> TrainSettings {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn unset_settings_are_omitted_and_invalid_ones_named() {
        use ProjectType::{Classification, ObjectDetection};
        assert_eq!(settings(json!({})).check(Classification), Ok(json!({})));
        assert_eq!(settings(json!({ "seed": 7 })).check(Classification), Ok(json!({ "seed": 7 })));
        let both = json!({ "steps": 10, "inputSize": 64 });
        assert_eq!(settings(both.clone()).check(ObjectDetection), Ok(both.clone()));
        let field_names = |invalid: Invalid| invalid.fields().map(|(field, _)| field).collect::<Vec<_>>();
        let invalid_settings = settings(both).check(Classification).unwrap_err();
        assert_eq!(field_names(invalid_settings), ["settings.steps", "settings.inputSize"]);
        for (wrong, field) in [
            (json!({ "steps": 9 }), "settings.steps"),
            (json!({ "steps": 20_001 }), "settings.steps"),
            (json!({ "inputSize": 65 }), "settings.inputSize"),
            (json!({ "inputSize": 672 }), "settings.inputSize"),
        ] {
            assert_eq!(field_names(settings(wrong).check(ObjectDetection).unwrap_err()), [field]);
        }
        assert!(serde_json::from_value::<TrainSettings>(json!({ "step": 1 })).is_err());
    }
}
