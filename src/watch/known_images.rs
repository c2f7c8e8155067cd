//! The images that the builder's name and the tag are on, as far as the watch knows: the one place for it. Builds and engine
//! events bring it up to date.

use crate::contract::labels;
use crate::pipeline::images::Images;
use crate::report::message::short_id;
use crate::settings::Job;

/// Which of the names an engine event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Builder,
    Tag,
}

/// The ids of these images, with the names that they are on.
#[derive(Debug, Default)]
pub struct KnownImages {
    builder_name: String,
    builder: String,
    tag_name: String,
    tagged: Option<String>,
    /// The image whose artifacts the next build takes over.
    previous: Option<String>,
    /// Builds take artifacts over.
    incremental: bool,
    /// The engine that they are in, as far as it tells which one it is.
    engine: Option<String>,
    /// The image with the tag says what it was made of, so that the first build may not be needed.
    has_digest: bool,
}

impl KnownImages {
    /// What was found when the watch began.
    pub fn new(job: &Job, images: &Images) -> Self {
        let tagged = images.tagged.as_ref();
        let dialect = images.builder.dialect;
        Self {
            builder_name: images.builder.full_name_of(&job.builder).unwrap_or_else(|| dialect.full_name(&job.builder)),
            builder: images.builder.id.clone(),
            tag_name: dialect.full_name(&job.tag),
            tagged: tagged.map(|image| image.id.clone()),
            previous: images.previous.as_ref().map(|image| image.id.clone()),
            incremental: job.incremental,
            engine: None,
            has_digest: tagged.is_some_and(|image| image.config.labels.contains_key(labels::DIGEST)),
        }
    }

    /// The same, known to be images of this engine.
    pub fn of_engine(self, engine: Option<String>) -> Self {
        Self { engine, ..self }
    }

    /// Takes in which engine answers now; whether it is known to be another one.
    pub fn engine_is(&mut self, engine: String) -> bool {
        let before = self.engine.replace(engine);
        before.is_some() && before != self.engine
    }

    /// Names without images but that of the builder.
    #[cfg(test)]
    pub fn named(builder_name: &str, builder: &str, tag_name: &str) -> Self {
        let [builder_name, builder, tag_name] = [builder_name, builder, tag_name].map(str::to_owned);
        Self { builder_name, builder, tag_name, incremental: true, ..Self::default() }
    }

    /// Which of our names this full name is.
    pub fn name(&self, full_name: &str) -> Option<Name> {
        if full_name == self.builder_name {
            Some(Name::Builder)
        } else if full_name == self.tag_name {
            Some(Name::Tag)
        } else {
            None
        }
    }

    /// Takes in the image that the builder's name is on now; whether it is another one.
    pub fn builder_is(&mut self, id: &str) -> bool {
        let changed = self.builder != id;
        id.clone_into(&mut self.builder);
        changed
    }

    /// The builder's id for a message.
    pub fn short_builder(&self) -> &str {
        short_id(&self.builder)
    }

    pub fn is_tagged(&self, id: &str) -> bool {
        self.tagged.as_deref() == Some(id)
    }

    /// The image that the tag is on.
    pub fn tagged(&self) -> Option<&str> {
        self.tagged.as_deref()
    }

    /// Takes in the image that the tag is on now, moved by another program; whether it is another one.
    pub fn tag_is(&mut self, id: Option<String>) -> bool {
        let changed = self.tagged != id;
        if changed {
            self.previous.clone_from(&id);
            self.tagged = id;
        }
        changed
    }

    /// A build of ours has moved the tag.
    pub fn tag_moved(&mut self, id: String) {
        self.previous = self.incremental.then(|| id.clone());
        self.tagged = Some(id);
    }

    /// The image whose artifacts the next build takes over, unless it is to be `clean`.
    pub fn previous(&self, clean: bool) -> Option<String> {
        self.previous.clone().filter(|_| !clean)
    }

    /// Whether the first build may turn out not to be needed; true at most once.
    pub fn take_has_digest(&mut self) -> bool {
        std::mem::take(&mut self.has_digest)
    }
}
