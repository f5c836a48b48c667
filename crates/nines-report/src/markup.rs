//! A tree of elements, for HTML and SVG alike: what it writes is well-formed and escaped by
//! construction.

use std::fmt::Display;

/// Elements that HTML closes by itself.
const VOID: [&str; 5] = ["br", "col", "hr", "link", "meta"];

/// An element with its attributes and children.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Node>,
}

/// What an element may hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
    /// Written as it is: the style sheet, which no report can change.
    Verbatim(&'static str),
}

impl From<Element> for Node {
    fn from(element: Element) -> Self {
        Self::Element(element)
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Starts an element.
pub(crate) fn el(name: &'static str) -> Element {
    Element {
        name,
        attributes: Vec::new(),
        children: Vec::new(),
    }
}

impl Element {
    /// Adds an attribute.
    pub(crate) fn attr(mut self, name: &'static str, value: impl Display) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// Adds the class attribute.
    pub(crate) fn class(self, class: impl Display) -> Self {
        self.attr("class", class)
    }

    /// Adds a child: an element or a text.
    pub(crate) fn child(mut self, node: impl Into<Node>) -> Self {
        self.children.push(node.into());
        self
    }

    /// Adds children.
    pub(crate) fn children<N: Into<Node>>(mut self, nodes: impl IntoIterator<Item = N>) -> Self {
        self.children.extend(nodes.into_iter().map(Into::into));
        self
    }

    /// Writes the element at the end of a text.
    pub(crate) fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(self.name);
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            escape(value, out);
            out.push('"');
        }
        if VOID.contains(&self.name) {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for child in &self.children {
            match child {
                Node::Element(element) => element.write(out),
                Node::Text(text) => escape(text, out),
                Node::Verbatim(text) => out.push_str(text),
            }
        }
        out.push_str("</");
        out.push_str(self.name);
        out.push('>');
        // A line for each block keeps the file readable and its differences small.
        if matches!(
            self.name,
            "div" | "p" | "tr" | "table" | "section" | "figure" | "svg" | "g" | "li" | "h2" | "h3"
        ) {
            out.push('\n');
        }
    }
}

/// Escapes a text for content and for attributes. Characters that XML cannot hold are replaced.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            // They reorder or hide the text around them, across elements.
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_cannot_leave_their_place() {
        let mut out = String::new();
        el("span")
            .attr("title", "\"><script>")
            .child("<b> & 'c' \u{0}\u{202E}")
            .write(&mut out);
        assert_eq!(
            out,
            "<span title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt; &amp; &#39;c&#39; \u{FFFD}\u{FFFD}</span>"
        );
    }

    #[test]
    fn only_void_elements_close_themselves() {
        let mut out = String::new();
        el("td").child(el("br")).write(&mut out);
        assert_eq!(out, "<td><br/></td>");
    }
}
