//! The editor's own words, in Korean, by the English ones with which it asks for them.

use super::Lang;

const KO: &[(&str, &str)] = &[
    ("Find", "찾기"),
    ("Replace", "바꾸기"),
    ("next", "다음"),
    ("previous", "이전"),
    ("all", "모두"),
    ("match case", "대소문자 구분"),
    ("regexp", "정규식"),
    ("by word", "단어 단위"),
    ("replace", "바꾸기"),
    ("replace all", "모두 바꾸기"),
    ("close", "닫기"),
    ("current match", "현재 위치"),
    ("on line", "줄"),
    ("replaced match on line $", "$번째 줄을 바꿨습니다"),
    ("replaced $ matches", "$곳을 바꿨습니다"),
    ("Go to line", "줄로 이동"),
    ("go", "이동"),
    ("Fold line", "줄 접기"),
    ("Unfold line", "줄 펼치기"),
    ("Folded lines", "접은 줄"),
    ("Unfolded lines", "펼친 줄"),
    ("folded code", "접은 내용"),
    ("unfold", "펼치기"),
    ("to", "–"),
    ("Diagnostics", "문제"),
    ("No diagnostics", "문제 없음"),
    ("Control character", "제어 문자"),
    ("Completions", "완성 후보"),
    ("Selection deleted", "선택한 부분을 지웠습니다"),
];

/// Returns the editor's words in a language; it has the English ones itself.
pub fn phrases(lang: Lang) -> &'static [(&'static str, &'static str)] {
    lang.pick(&[], KO)
}
