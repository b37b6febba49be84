//! Whether the machine runs on battery.

use std::fs;
use std::path::Path;

/// True if the system says that a battery feeds the machine; false where it says nothing, as other
/// systems than Linux.
pub fn on_battery() -> bool {
    is_on_battery(Path::new("/sys/class/power_supply"))
}

/// Each folder is a supply: the mains say whether they are `online`, batteries what they do.
fn is_on_battery(supplies: &Path) -> bool {
    let supplies: Vec<_> = fs::read_dir(supplies).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let says = |supply: &Path, what: &str, value: &str| {
        fs::read_to_string(supply.join(what)).is_ok_and(|text| text.trim() == value)
    };
    let any = |kind: &str, what: &str, value: &str| {
        supplies.iter().any(|supply| says(supply, "type", kind) && says(supply, what, value))
    };
    !any("Mains", "online", "1") && any("Battery", "status", "Discharging")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_battery_counts_where_the_mains_are_away() {
        let dir = tempfile::tempdir().unwrap();
        let supply = |name: &str, kind: &str, what: &str, value: &str| {
            let folder = dir.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("type"), format!("{kind}\n")).unwrap();
            fs::write(folder.join(what), format!("{value}\n")).unwrap();
        };
        assert!(!is_on_battery(dir.path()) && !is_on_battery(&dir.path().join("none")));
        supply("BAT0", "Battery", "status", "Discharging");
        assert!(is_on_battery(dir.path()));
        supply("AC", "Mains", "online", "1");
        assert!(!is_on_battery(dir.path()));
        supply("AC", "Mains", "online", "0");
        assert!(is_on_battery(dir.path()));
        supply("BAT0", "Battery", "status", "Full");
        assert!(!is_on_battery(dir.path()));
    }
}
