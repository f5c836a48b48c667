//! Markdown made into HTML that can do nothing: HTML in the text is shown as text, links lead out by
//! known schemes alone, and pictures become their descriptions.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// What a link may begin with.
const SCHEMES: [&str; 4] = ["https://", "http://", "mailto:", "#"];

/// Makes a guide's Markdown into a page.
pub fn to_html(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut open_links = Vec::new();
    let events = Parser::new_ext(text, options).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { dest_url, .. }) => {
            let may = leads_out(&dest_url);
            open_links.push(may);
            may.then(|| {
                let start = format!("<a href=\"{}\" rel=\"noreferrer\">", escaped(&dest_url));
                Event::InlineHtml(CowStr::from(start))
            })
        }
        Event::End(TagEnd::Link) => open_links
            .pop()
            .unwrap_or(false)
            .then(|| Event::InlineHtml(CowStr::from("</a>"))),
        other => Some(other),
    });
    let mut page = String::with_capacity(text.len() * 2);
    html::push_html(&mut page, events);
    page
}

fn leads_out(target: &str) -> bool {
    let target = target.to_ascii_lowercase();
    let is_plain = !target.chars().any(|c| c.is_control() || c.is_whitespace());
    is_plain && SCHEMES.iter().any(|scheme| target.starts_with(scheme))
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_lists_and_tables_are_kept() {
        let page = to_html("# Guide\n\n- *one*\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n");
        for part in ["<h1>Guide</h1>", "<li><em>one</em></li>", "<td>1</td>"] {
            assert!(page.contains(part), "{page}");
        }
    }

    #[test]
    fn nothing_in_the_text_becomes_active() {
        let text = "<script>alert(1)</script>\n\nan <img src=x onerror=alert(1)> inline\n\n\
                    [a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,x) [d](/api/session)\n\n\
                    ![e\"><b>](https://example.org/x.png)\n\n[f](https://example.org/?a=1&b=\"><script>)\n\n\
                    <a href=\"javascript:alert(1)\">g</a>\n\n<https://example.org/'onmouseover='x>\n";
        let page = to_html(text);
        for bad in [
            "<script",
            "<img",
            "<a href=\"javascript",
            "<a href=\"JaVa",
            "<a href=\"data",
            "<a href=\"/api",
            "<b>",
        ] {
            assert!(!page.contains(bad), "{bad} in {page}");
        }
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
            "{page}"
        );
        // Every tag is one of those that Markdown makes.
        for tag in page.split('<').skip(1) {
            let name: String = tag.chars().take_while(|c| *c != '>' && *c != ' ').collect();
            assert!(
                ["p", "/p", "a", "/a"].contains(&name.as_str()),
                "{name} in {page}"
            );
        }
        for start in page.match_indices("<a ").map(|(at, _)| &page[at..]) {
            let tag = &start[..start.find('>').expect("an end")];
            assert!(tag.starts_with("<a href=\"https://example.org/"), "{tag}");
            assert!(tag.ends_with("\" rel=\"noreferrer\""), "{tag}");
            assert_eq!(tag.matches('"').count(), 4, "{tag}");
        }
    }
}
