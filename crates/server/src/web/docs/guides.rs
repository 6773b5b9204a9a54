//! The guides of the folder `docs`, as HTML. They are part of the binary.

use std::mem::take;
use std::sync::LazyLock;

use pulldown_cmark::{
    Alignment, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html,
};

use super::contents::guide_url;
use super::view::{GuidePart, SectionLink};

/// All guides, in the order of the contents.
pub(super) static GUIDES: LazyLock<Vec<Guide>> = LazyLock::new(|| {
    let guide = |(slug, text)| Guide::read(slug, text);
    SOURCES.map(guide).into()
});

const SOURCES: [(&str, &str); 6] = [
    ("quickstart-vision", include_str!("../../../../../docs/quickstart-vision.md")),
    ("verify-keys", include_str!("../../../../../docs/verify-keys.md")),
    ("usage", include_str!("../../../../../docs/usage.md")),
    ("cli", include_str!("../../../../../docs/cli.md")),
    ("operations", include_str!("../../../../../docs/operations.md")),
    ("benchmarks", include_str!("../../../../../docs/benchmarks.md")),
];

/// A guide.
pub(super) struct Guide {
    /// The name in the URL.
    pub(super) slug: &'static str,
    pub(super) title: String,
    pub(super) parts: Vec<GuidePart>,
    pub(super) sections: Vec<GuideSection>,
}

/// A heading with the text below it, for the contents and the search.
#[derive(Default)]
pub(super) struct GuideSection {
    /// Empty above the first heading of the second level.
    pub(super) anchor: String,
    pub(super) title: String,
    pub(super) text: String,
}

impl Guide {
    fn read(slug: &'static str, source: &'static str) -> Self {
        let mut reader = Reader::default();
        for event in Parser::new_ext(source, Options::ENABLE_TABLES) {
            reader.read(event);
        }
        reader.finish_html();
        let title = take(&mut reader.title);
        let mut sections = reader.sections;
        if let Some(first) = sections.first_mut() {
            first.title.clone_from(&title);
        }
        Self { slug, title, parts: reader.parts, sections }
    }

    /// The links to the headings of the second level.
    pub(super) fn links(&self) -> Vec<SectionLink> {
        let headings = self.sections.iter().filter(|section| !section.anchor.is_empty());
        let link = |section: &GuideSection| SectionLink {
            anchor: section.anchor.clone(),
            title: section.title.clone(),
        };
        headings.map(link).collect()
    }
}

/// What the reader is inside of.
#[derive(Default, PartialEq)]
enum Inside {
    #[default]
    Text,
    Heading,
    /// A code block, with the name of its language.
    Code(String),
    Image,
}

/// Collects the parts of a guide from the events of its Markdown.
#[derive(Default)]
struct Reader<'a> {
    title: String,
    parts: Vec<GuidePart>,
    sections: Vec<GuideSection>,
    events: Vec<Event<'a>>,
    inside: Inside,
    /// The text of the heading or the code block.
    text: String,
    code_blocks: usize,
    tables: usize,
    /// Whether the reader is in a link to a page.
    links: Vec<bool>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, event: Event<'a>) {
        match event {
            Event::Start(Tag::Heading { .. }) => self.inside = Inside::Heading,
            Event::End(TagEnd::Heading(level)) => self.finish_heading(level),
            Event::Start(Tag::CodeBlock(kind)) => {
                let language =
                    if let CodeBlockKind::Fenced(name) = kind { name.to_string() } else { String::new() };
                self.inside = Inside::Code(language);
            }
            Event::End(TagEnd::CodeBlock) => self.finish_code(),
            Event::Start(Tag::Image { .. }) => self.inside = Inside::Image,
            Event::End(TagEnd::Image) => self.inside = Inside::Text,
            Event::Start(Tag::Link { dest_url, .. }) => self.start_link(&dest_url),
            Event::End(TagEnd::Link) => {
                if self.links.pop() == Some(true) {
                    self.events.push(Event::End(TagEnd::Link));
                }
            }
            Event::Start(Tag::Table(columns)) => self.start_table(columns.len()),
            Event::End(TagEnd::Table) => {
                self.events.extend([event, Event::Html("</div>".into())]);
            }
            Event::Text(text) => self.read_text(text, Event::Text),
            Event::Code(text) => self.read_text(text, Event::Code),
            // A line break in the source is a space.
            Event::SoftBreak => self.read_text(" ".into(), Event::Text),
            // The guides contain no HTML, and an image of a file would have no URL here.
            Event::Html(_) | Event::InlineHtml(_) => {}
            other => self.events.push(other),
        }
    }

    fn read_text(&mut self, text: CowStr<'a>, event: fn(CowStr<'a>) -> Event<'a>) {
        match self.inside {
            Inside::Heading | Inside::Code(_) => self.text.push_str(&text),
            Inside::Image => {}
            Inside::Text => {
                if let Some(section) = self.sections.last_mut() {
                    section.text.push_str(&text);
                }
                self.events.push(event(text));
            }
        }
    }

    /// Links lead to other guides, to headings, and to other sites. Files of the repository have no page.
    fn start_link(&mut self, target: &str) {
        let url = page_of(target);
        self.links.push(url.is_some());
        if let Some(url) = url {
            let (title, id) = (CowStr::from(""), CowStr::from(""));
            let link = Tag::Link { link_type: LinkType::Inline, dest_url: url.into(), title, id };
            self.events.push(Event::Start(link));
        }
    }

    /// A wide table scrolls in a region of its own, which the keyboard can reach. Alignments of columns would be inline
    /// styles, which the Content-Security-Policy forbids.
    fn start_table(&mut self, columns: usize) {
        self.tables += 1;
        let label = format!("Table {}", self.tables);
        let region = format!("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\">");
        let table = Event::Start(Tag::Table(vec![Alignment::None; columns]));
        self.events.extend([Event::Html(region.into()), table]);
        if let Some(section) = self.sections.last_mut() {
            section.text.push(' ');
        }
    }

    fn finish_heading(&mut self, level: HeadingLevel) {
        self.inside = Inside::Text;
        let title = take(&mut self.text);
        if level == HeadingLevel::H1 {
            self.title = title;
            self.sections.push(GuideSection::default());
            return;
        }
        let anchor = anchor(&title);
        let id = Some(anchor.clone().into());
        let heading = Tag::Heading { level, id, classes: Vec::new(), attrs: Vec::new() };
        let text = Event::Text(title.clone().into());
        self.events.extend([Event::Start(heading), text, Event::End(TagEnd::Heading(level))]);
        if level == HeadingLevel::H2 {
            self.sections.push(GuideSection { anchor, title, text: String::new() });
        }
    }

    fn finish_code(&mut self) {
        self.inside = Inside::Text;
        self.finish_html();
        self.code_blocks += 1;
        let code = take(&mut self.text).trim_end().to_owned();
        self.parts.push(GuidePart::Code { label: format!("example {}", self.code_blocks), code });
    }

    fn finish_html(&mut self) {
        let mut text = String::new();
        html::push_html(&mut text, take(&mut self.events).into_iter());
        // An empty cell above a column is no header.
        self.parts.push(GuidePart::Html(text.replace("<th></th>", "<td></td>")));
    }
}

/// The URL of a link's target. `None` for a file of the repository that has no page.
fn page_of(target: &str) -> Option<String> {
    let (file, fragment) = target.split_once('#').map_or((target, None), |(file, part)| (file, Some(part)));
    let page = match file {
        "" => String::new(),
        other if other.starts_with("https://") => other.to_owned(),
        other => {
            let slug = other.strip_suffix(".md")?;
            let known = SOURCES.iter().any(|(name, _)| *name == slug);
            known.then(|| guide_url(slug))?
        }
    };
    Some(fragment.map_or(page.clone(), |fragment| format!("{page}#{fragment}")))
}

/// The anchor of a heading, as GitHub derives it: lower case, hyphens for spaces, and without punctuation.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html_of(guide: &Guide) -> String {
        let html = |part: &GuidePart| match part {
            GuidePart::Html(html) => html.clone(),
            GuidePart::Code { .. } => String::new(),
        };
        guide.parts.iter().map(html).collect()
    }

    #[test]
    fn links_between_guides_lead_to_headings_that_exist() {
        let mut links = 0;
        for guide in GUIDES.iter() {
            let html = html_of(guide);
            for link in html.split("<a href=\"").skip(1) {
                let url = link.split('"').next().unwrap();
                let (page, fragment) = url.split_once('#').unwrap_or((url, ""));
                let own = guide_url(guide.slug);
                let page = if page.is_empty() { &own } else { page };
                let Some(slug) = page.strip_prefix("/docs/guides/") else {
                    assert!(page.starts_with("https://"), "{url} in {}", guide.slug);
                    continue;
                };
                let target = GUIDES.iter().find(|one| one.slug == slug).unwrap();
                let target = html_of(target);
                assert!(fragment.is_empty() || target.contains(&format!("id=\"{fragment}\"")), "{url}");
                links += 1;
            }
        }
        assert!(links > 4, "{links} links");
    }

    #[test]
    fn guide_has_title_sections_code_and_no_html_of_its_source() {
        let guide = Guide::read(
            "x",
            "# A `b` & c\n\nSee <script>x</script> [d](../d.rs).\n\n## E, f\n\n| | g |\n| - | -: |\n| h | i |\n\n```sh\n<g>\n```\n",
        );
        assert_eq!(guide.title, "A b & c");
        assert_eq!(guide.links()[0].anchor, "e-f");
        let html = html_of(&guide);
        assert!(html.starts_with("<p>See x d.</p>\n<h2 id=\"e-f\">E, f</h2>\n"), "{html}");
        assert!(html.contains("<tr><td></td><th>g</th></tr>") && !html.contains("style"), "{html}");
        assert!(guide.parts.iter().any(|part| matches!(part, GuidePart::Code { code, .. } if code == "<g>")));
    }
}
