// Marks the lines that a change touched; the marks move with the text.
import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView } from "@codemirror/view";

const mark = Decoration.line({ class: "cm-changedLine" });
const set = StateEffect.define();

// Returns the effect that marks these lines, counted from 1, and no others.
export const markLines = (lines) => set.of(lines);

export const changedLines = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    marks = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(set)) continue;
      const doc = transaction.newDoc;
      const known = [...new Set(effect.value)].filter((line) => line >= 1 && line <= doc.lines);
      marks = Decoration.set(known.map((line) => mark.range(doc.line(line).from)), true);
    }
    return marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});
