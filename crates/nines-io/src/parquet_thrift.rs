//! What Parquet says of itself: footers and page headers, in Thrift's compact form. They are read
//! before the library trusts them.

use std::io::Read;

/// The most columns and groups of columns that a schema may have, and how deep they may lie.
const ELEMENTS: u64 = 20_000;
const DEPTH: usize = 32;
/// The most row groups, and the most columns of all row groups together.
const GROUPS: u64 = 32_767;
const CHUNKS: u64 = 200_000;
/// The longest list in a footer or a page header.
const LIST_ITEMS: u64 = 1_000_000;

/// What a page header says.
pub(crate) struct Page {
    pub(crate) unpacked: i64,
    pub(crate) packed: i64,
    pub(crate) values: i64,
    pub(crate) is_dictionary: bool,
    pub(crate) encoding: i64,
}

/// Just enough of Thrift's compact protocol to read a page header and to walk a footer.
pub(crate) struct Thrift<R> {
    reader: R,
    /// How many bytes were read.
    pub(crate) used: u64,
}

impl<R: Read> Thrift<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, used: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte).ok()?;
        self.used += 1;
        Some(byte[0])
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn number(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        let copied =
            std::io::copy(&mut (&mut self.reader).take(count), &mut std::io::sink()).ok()?;
        self.used += copied;
        (copied == count).then_some(())
    }

    /// Reads a field's header: its id and type; type 0 ends the struct.
    fn field(&mut self, last: &mut i64) -> Option<(i64, u8)> {
        let byte = self.byte()?;
        let kind = byte & 0x0f;
        if kind == 0 {
            return Some((0, 0));
        }
        *last = match byte >> 4 {
            0 => self.number()?,
            delta => last.checked_add(i64::from(delta))?,
        };
        Some((*last, kind))
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        if depth > 8 {
            return None;
        }
        match kind {
            1 | 2 => Some(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.skip_bytes(8),
            8 => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            9 | 10 => {
                let (item, length) = self.list()?;
                for _ in 0..length {
                    match item {
                        // In a list a truth value takes a byte of its own.
                        1 | 2 => self.byte().map(drop)?,
                        item => self.skip(item, depth + 1)?,
                    }
                }
                Some(())
            }
            12 => {
                let mut last = 0;
                loop {
                    match self.field(&mut last)? {
                        (_, 0) => return Some(()),
                        (_, kind) => self.skip(kind, depth + 1)?,
                    }
                }
            }
            _ => None,
        }
    }

    pub(crate) fn page(&mut self) -> Option<Page> {
        let mut page = Page {
            unpacked: -1,
            packed: -1,
            values: 0,
            is_dictionary: false,
            encoding: 0,
        };
        let mut last = 0;
        loop {
            match self.field(&mut last)? {
                (_, 0) => return Some(page),
                (1, 5) => page.is_dictionary = self.number()? == 2,
                (2, 5) => page.unpacked = self.number()?,
                (3, 5) => page.packed = self.number()?,
                // The headers of the page kinds all state their number of values first; the
                // encoding comes second, in the second version of data pages fourth.
                (header @ (5 | 7 | 8), 12) => {
                    let mut inner = 0;
                    loop {
                        match self.field(&mut inner)? {
                            (_, 0) => break,
                            (1, 5) => page.values = self.number()?,
                            (2, 5) if header == 5 => page.encoding = self.number()?,
                            (4, 5) if header == 8 => page.encoding = self.number()?,
                            (_, kind) => self.skip(kind, 0)?,
                        }
                    }
                }
                (_, kind) => self.skip(kind, 0)?,
            }
        }
    }

    /// Reads the head of a list: the type of its items and how many there are.
    fn list(&mut self) -> Option<(u8, u64)> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.varint()?,
            short => u64::from(short),
        };
        (length <= LIST_ITEMS).then_some((head & 0x0f, length))
    }

    /// Walks a footer: what it describes must be a tree of few levels, and no list may be longer
    /// than what stands in it.
    pub(crate) fn footer(&mut self) -> Option<()> {
        let mut last = 0;
        let mut chunks = 0;
        loop {
            match self.field(&mut last)? {
                (_, 0) => return Some(()),
                (2, 9) => self.schema()?,
                (4, 9) => {
                    let (_, groups) = self
                        .list()
                        .filter(|(kind, n)| (*kind, *n <= GROUPS) == (12, true))?;
                    for _ in 0..groups {
                        chunks += self.row_group()?;
                        if chunks > CHUNKS {
                            return None;
                        }
                    }
                }
                (_, kind) => self.skip(kind, 0)?,
            }
        }
    }

    fn schema(&mut self) -> Option<()> {
        let (_, elements) = self
            .list()
            .filter(|(kind, n)| (*kind, *n <= ELEMENTS) == (12, true))?;
        // How many children each open group still waits for.
        let mut open: Vec<u64> = Vec::new();
        for element in 0..elements {
            let mut children = 0;
            let mut last = 0;
            loop {
                match self.field(&mut last)? {
                    (_, 0) => break,
                    (5, 5) => children = u64::try_from(self.number()?).ok()?,
                    (_, kind) => self.skip(kind, 0)?,
                }
            }
            if children >= elements - element {
                return None;
            }
            if element > 0 {
                while open.last() == Some(&0) {
                    open.pop();
                }
                *open.last_mut()? -= 1;
            }
            if children > 0 {
                open.push(children);
            }
            if open.len() > DEPTH {
                return None;
            }
        }
        open.iter().all(|waits| *waits == 0).then_some(())
    }

    /// Walks a row group and returns how many columns it has.
    fn row_group(&mut self) -> Option<u64> {
        let mut columns = 0;
        let mut last = 0;
        loop {
            match self.field(&mut last)? {
                (_, 0) => return Some(columns),
                (1, 9) => {
                    let (kind, n) = self.list()?;
                    for _ in 0..n {
                        self.skip(kind, 0)?;
                    }
                    columns = n;
                }
                (_, kind) => self.skip(kind, 0)?,
            }
        }
    }
}
