//! The presets of the page, in the order of its menu, and what they are called in words.

use crate::words::Lang;

/// A preset: its name, and its name in words.
struct Preset {
    name: &'static str,
    en: &'static str,
    ko: &'static str,
}

const fn preset(name: &'static str, en: &'static str, ko: &'static str) -> Preset {
    Preset { name, en, ko }
}

const PRESETS: &[Preset] = &[
    preset("lesson", "Lesson cluster", "수업 클러스터"),
    preset("v120", "First-steps cluster", "첫걸음 클러스터"),
    preset("recovery", "Recovery cluster", "복구 클러스터"),
    preset("flannel", "Overlay cluster (vxlan)", "오버레이 클러스터 (vxlan)"),
    preset("crowd", "Crowded cluster", "붐비는 클러스터"),
    preset("single", "Single node", "노드 하나"),
    preset("zones", "Three zones", "영역(zone) 세 개"),
    preset("ha", "Three control planes", "컨트롤 플레인 세 개"),
    preset("bare", "Bare cluster", "빈 클러스터"),
];

/// Returns the presets' names, in the order of the menu.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

/// Returns a preset's name in words; of one that isn't known, its name.
pub fn title(name: &str, lang: Lang) -> String {
    let known = PRESETS.iter().find(|preset| preset.name == name);
    known.map_or(name, |preset| lang.pick(preset.en, preset.ko)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_preset_of_the_cluster_has_words() {
        let known: BTreeSet<&str> = cluster::Preset::names().into_iter().collect();
        assert_eq!(names().collect::<BTreeSet<_>>(), known);
        assert_eq!(names().next(), cluster::Preset::names().first().copied());
        assert_eq!(title("ha", Lang::Ko), "컨트롤 플레인 세 개");
        assert_eq!(title("other", Lang::En), "other");
    }
}
