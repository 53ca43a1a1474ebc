// The editor's looks. All colours and sizes are the page's custom properties, which reach into
// the shadow root; a change of the page's theme needs nothing here.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const surfaces = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--panel)", fontSize: "var(--t-12)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "19px", fontVariantLigatures: "none" },
  ".cm-content": { caretColor: "var(--ink)", padding: "6px 0" },
  ".cm-line": { padding: "0 10px 0 6px" },
  ".cm-placeholder": { color: "var(--ink-3)" },
  ".cm-gutters": { color: "var(--ink-3)", backgroundColor: "var(--panel)", border: "none" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { backgroundColor: "var(--field)" },
  ".cm-activeLineGutter": { color: "var(--ink)", backgroundColor: "transparent" },
  ".cm-foldPlaceholder": { color: "var(--ink-3)", backgroundColor: "var(--field)", border: "none" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { color: "inherit", backgroundColor: "var(--accent-wash)" },
  ".cm-selectionMatch, .cm-searchMatch": { backgroundColor: "var(--accent-wash)" },
  ".cm-changedLine": { backgroundColor: "var(--accent-wash)", boxShadow: "inset 2px 0 var(--accent)" },
  ".cm-panels": { color: "var(--ink)", backgroundColor: "var(--field)" },
  ".cm-panels.cm-panels-top, .cm-panels.cm-panels-bottom": { borderColor: "var(--line)" },
  ".cm-textfield": { color: "var(--ink)", backgroundColor: "var(--panel)", borderColor: "var(--line-2)" },
  ".cm-button": { color: "var(--ink)", background: "var(--panel)", borderColor: "var(--line-2)" },
  ".cm-tooltip": {
    color: "var(--ink)",
    backgroundColor: "var(--panel)",
    border: "1px solid var(--line-2)",
    borderRadius: "var(--r-2)",
    boxShadow: "var(--shadow-2)",
    fontFamily: "var(--sans)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    color: "var(--ink)",
    backgroundColor: "var(--accent-wash)",
  },
  ".cm-completionDetail": { color: "var(--ink-3)", fontStyle: "normal" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "var(--w-bold)" },
  ".cm-completionInfo": { maxWidth: "320px", padding: "4px 8px" },
  ".cm-diagnostic": { padding: "4px 8px" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--ink-3)" },
  ".cm-diagnostic-info, .cm-diagnostic-hint": { borderLeftColor: "var(--line-2)" },
  ".cm-lintRange": { backgroundImage: "none", textDecoration: "underline wavy var(--ink-3)", textUnderlineOffset: "3px" },
  ".cm-lintRange-error": { textDecorationColor: "var(--bad)" },
  ".cm-gutter-lint .cm-lint-marker": { content: "normal", color: "var(--ink-2)", font: "inherit", lineHeight: "inherit", textAlign: "center" },
  ".cm-gutter-lint .cm-lint-marker-error": { color: "var(--bad)" },
  ".cm-lint-marker::before": { content: "'i'" },
  ".cm-lint-marker-warning::before": { content: "'!'" },
  ".cm-lint-marker-error::before": { content: "'×'" },
  ".cm-diagnosticAction": {
    color: "var(--on-accent)",
    backgroundColor: "var(--accent)",
    borderRadius: "var(--r-2)",
    padding: "2px 8px",
    minHeight: "24px",
  },
});

const syntax = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--ink)" },
  { tag: [tags.string, tags.content, tags.attributeValue], color: "var(--ink-2)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.typeName, tags.labelName], color: "var(--accent)" },
  { tag: [tags.comment, tags.meta, tags.separator, tags.punctuation], color: "var(--ink-3)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

export const theme = [surfaces, syntaxHighlighting(syntax)];
