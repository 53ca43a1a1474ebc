//! Columns as Go's text/tabwriter aligns them.

/// Aligns cells that end with tabs. A column is a block of consecutive lines that have a cell
/// there; its width is that of its widest cell.
// Models the Go library's text/tabwriter, and github.com/liggitt/tabwriter which remembers widths
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TabWriter {
    min_width: usize,
    padding: usize,
    remembers: bool,
    widths: Vec<usize>,
    text: String,
}

impl TabWriter {
    /// Makes the writer of `describe`.
    pub fn describing() -> TabWriter {
        TabWriter { min_width: 0, padding: 2, remembers: false, widths: Vec::new(), text: String::new() }
    }

    /// Makes the writer of tables.
    pub fn tables() -> TabWriter {
        TabWriter { min_width: 6, padding: 3, remembers: true, widths: Vec::new(), text: String::new() }
    }

    /// Adds text.
    pub fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Returns what was added, aligned.
    pub fn flush(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
        let mut out = String::with_capacity(text.len() * 2);
        self.format(&lines, 0, lines.len(), &mut Vec::new(), &mut out);
        // The last line has no end of its own.
        out.pop();
        out
    }

    fn format(
        &mut self,
        lines: &[Vec<&str>],
        from: usize,
        to: usize,
        widths: &mut Vec<usize>,
        out: &mut String,
    ) {
        let column = widths.len();
        let has_cell = |i: usize| lines.get(i).is_some_and(|line| column + 1 < line.len());
        let mut begin = from;
        let mut i = from;
        while i < to {
            if !has_cell(i) {
                i += 1;
                continue;
            }
            write_lines(lines, begin, i, widths, out);
            begin = i;
            let mut width = self.min_width;
            while i < to && has_cell(i) {
                let cell = lines.get(i).and_then(|line| line.get(column)).copied().unwrap_or("");
                width = width.max(cell.chars().count() + self.padding);
                i += 1;
            }
            if self.remembers {
                width = self.remember(column, width);
            }
            widths.push(width);
            self.format(lines, begin, i, widths, out);
            widths.pop();
            begin = i;
        }
        write_lines(lines, begin, to, widths, out);
    }

    fn remember(&mut self, column: usize, width: usize) -> usize {
        if column >= self.widths.len() {
            self.widths.resize(column + 1, 0);
        }
        match self.widths.get_mut(column) {
            Some(widest) => {
                *widest = width.max(*widest);
                *widest
            }
            None => width,
        }
    }
}

fn write_lines(lines: &[Vec<&str>], from: usize, to: usize, widths: &[usize], out: &mut String) {
    for line in lines.get(from..to).unwrap_or(&[]) {
        for (i, cell) in line.iter().enumerate() {
            out.push_str(cell);
            if i + 1 < line.len() {
                let width = widths.get(i).copied().unwrap_or(0);
                let padding = width.saturating_sub(cell.chars().count());
                out.extend(std::iter::repeat_n(' ', padding));
            }
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns_as_go() {
        let mut writer = TabWriter::describing();
        writer.write("Name:\tx\nLabels:\t<none>\nNone\nPort:\tlonger\tz\nA:\tb\tc\n");
        assert_eq!(writer.flush(), "Name:    x\nLabels:  <none>\nNone\nPort:  longer  z\nA:     b       c\n");
        let mut writer = TabWriter::tables();
        writer.write("a\t1/1\tRunning\n");
        assert_eq!(writer.flush(), "a     1/1   Running\n");
        writer.write("a-longer-name\t1/1\tRunning\n");
        assert_eq!(writer.flush(), "a-longer-name   1/1   Running\n");
        writer.write("b\t0/1\tPending\n");
        assert_eq!(writer.flush(), "b               0/1   Pending\n");
    }
}
