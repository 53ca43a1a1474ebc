use std::collections::VecDeque;

/// How many bytes wait to be taken at most.
const MOST: usize = 1 << 20;

/// A piece of what was printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chunk {
    /// The text.
    pub text: String,
    /// Whether it was printed to the standard error.
    pub is_error: bool,
    /// Whether it is the echo of a typed line, with its prompt.
    pub is_echo: bool,
    /// Whether all that was there is wiped first.
    pub clears: bool,
}

/// What was printed and not yet taken. Of too much the oldest is dropped, which is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Output {
    chunks: VecDeque<Chunk>,
    bytes: u64,
    dropped: u64,
    /// Whether the last that was printed ended its line.
    in_line: bool,
}

impl Output {
    /// Adds text.
    pub fn print(&mut self, text: &str, is_error: bool) {
        self.push(Chunk { text: text.to_string(), is_error, ..Chunk::default() });
    }

    /// Adds a chunk; it joins the last one where they are alike.
    pub fn push(&mut self, chunk: Chunk) {
        if chunk.clears {
            self.chunks.clear();
            self.bytes = 0;
            self.in_line = false;
        }
        if let Some(last) = chunk.text.chars().next_back() {
            self.in_line = last != '\n';
        }
        self.bytes += chunk.text.len() as u64;
        match self.chunks.back_mut() {
            Some(last)
                if last.is_error == chunk.is_error && last.is_echo == chunk.is_echo && !chunk.clears =>
            {
                last.text.push_str(&chunk.text);
            }
            _ => self.chunks.push_back(chunk),
        }
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        while self.bytes as usize > MOST {
            let Some(first) = self.chunks.front_mut() else { return };
            let surplus = self.bytes as usize - MOST;
            // Whole lines go, so that what is left begins with one.
            let cut = match first.text.get(surplus.min(first.text.len())..) {
                Some(rest) => {
                    first.text.len() - rest.len() + rest.find('\n').map_or(rest.len(), |end| end + 1)
                }
                None => first.text.len(),
            };
            self.dropped += cut as u64;
            self.bytes -= cut as u64;
            first.text.drain(..cut);
            if first.text.is_empty() {
                self.chunks.pop_front();
            }
        }
    }

    /// Returns whether something stands on the last line.
    pub fn is_in_line(&self) -> bool {
        self.in_line
    }

    /// Takes what was printed.
    pub fn take(&mut self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        if self.dropped > 0 {
            let text = format!("# kubarium: {} bytes of output were dropped here\n", self.dropped);
            chunks.push(Chunk { text, is_error: true, ..Chunk::default() });
            self.dropped = 0;
        }
        self.bytes = 0;
        chunks.extend(self.chunks.drain(..));
        chunks
    }

    /// Returns whether nothing waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_it_dropped() {
        let mut output = Output::default();
        for _ in 0..200 {
            output.print(&"x".repeat(9_999), false);
            output.print("\n", false);
        }
        let chunks = output.take();
        let kept: usize = chunks.iter().skip(1).map(|chunk| chunk.text.len()).sum();
        assert!(kept <= MOST && kept > MOST - 20_000, "{kept}");
        assert_eq!(
            chunks[0].text,
            format!("# kubarium: {} bytes of output were dropped here\n", 2_000_000 - kept)
        );
        assert!(chunks[1].text.starts_with('x') && chunks[1].text.ends_with('\n'));
        assert!(output.take().is_empty());
    }
}
