//! One text in Markdown, and what is in it.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::anchor::Anchors;

/// The folder of the pages of the book.
pub const PAGES: &str = "docs";

/// A text in Markdown.
pub struct Page {
    /// Its path from the root of the project on, such as `docs/guide.md`.
    pub name: String,
    pub text: String,
}

/// A block of code.
pub struct Code {
    pub language: String,
    pub text: String,
}

impl Page {
    /// What the parser makes of the text.
    pub fn events(&self) -> Parser<'_> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES)
    }

    /// Where the links and pictures lead, as it is written.
    pub fn targets(&self) -> Vec<String> {
        let targets = self.events().filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
            _ => None,
        });
        targets.collect()
    }

    /// The names of its headings.
    pub fn anchors(&self) -> Vec<String> {
        let (mut anchors, mut names, mut heading) = (Anchors::default(), Vec::new(), None);
        for event in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::End(TagEnd::Heading(_)) => names.extend(heading.take().map(|heading| anchors.next(&heading))),
                _ => {}
            }
        }
        names
    }

    /// Its blocks of code.
    pub fn blocks(&self) -> Vec<Code> {
        let mut blocks: Vec<Code> = Vec::new();
        let mut is_open = false;
        for event in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    blocks.push(Code { language, text: String::new() });
                    is_open = true;
                }
                Event::Text(text) if is_open => {
                    if let Some(block) = blocks.last_mut() {
                        block.text.push_str(&text);
                    }
                }
                Event::End(TagEnd::CodeBlock) => is_open = false,
                _ => {}
            }
        }
        blocks
    }
}
