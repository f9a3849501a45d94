//! The OpenAPI document, made from the handlers and their types.

use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document, Ref, RefOr, ResponseBuilder};

use crate::wire::LiveEvent;

const PROBLEM: &str = "application/problem+json";

/// What the handlers don't say of themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Marline",
        description = "Every coding agent's sessions on this machine.\n\nTimes are RFC 3339 in UTC, sizes bytes, money \
            millionths of a US dollar. Errors are `application/problem+json`. What the catalogue \
            alone decides bears an ETag and can be asked for again with If-None-Match: sessions and what is below them but \
            drafts, projects, search, usage; nothing else is kept. A browser gets access by a one-time link (`marline up`), which sets a cookie; \
            the owner's programs use the Unix socket.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(LiveEvent, crate::problem::Problem)),
    tags(
        (name = "sessions", description = "Sessions and their transcripts"),
        (name = "acts", description = "What can be done with a session, and undone"),
        (name = "work", description = "Groups and queues: many sessions at once, prompts in order, and what agents ask"),
        (name = "reviews", description = "One agent's work, seen by another"),
        (name = "search", description = "Everything that was said and done"),
        (name = "usage", description = "Tokens and cost"),
        (name = "health", description = "What was found, what is wrong, how far indexing is"),
        (name = "events", description = "What changes, as it changes"),
        (name = "push", description = "Notifications of this device"),
        (name = "devices", description = "Who has access"),
    )
)]
pub struct Words;

/// Returns the OpenAPI 3.1 document of the board's API.
pub fn document() -> Document {
    let mut document = crate::api::routes().split_for_parts().1;
    for path in document.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.delete, &mut path.patch];
        for operation in operations.into_iter().flatten() {
            // Handlers of several nouns share their verbs' names.
            let tag = operation.tags.as_ref().and_then(|tags| tags.first()).cloned().unwrap_or_default();
            operation.operation_id = operation.operation_id.take().map(|verb| format!("{tag}_{verb}"));
            say_how_it_fails(operation);
        }
    }
    if let Some(components) = &mut document.components {
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
            "marline-PORT",
            "Set by opening a one-time link of `marline up`.",
        ));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
        for (name, schema) in &mut components.schemas {
            // What clients send may leave out what has a default.
            if !name.ends_with("Request") {
                require_what_is_always_there(schema);
            }
        }
    }
    document
}

/// Problems have a media type of their own, and any request may meet one.
fn say_how_it_fails(operation: &mut Operation) {
    let problem = || Ref::from_schema_name("Problem");
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        let is_problem = |content: &RefOr<Content>| match content {
            RefOr::T(content) => content.schema.as_ref() == Some(&RefOr::Ref(problem())),
            RefOr::Ref(_) => false,
        };
        let content = std::mem::take(&mut response.content).into_iter();
        let named = |(kind, content): (String, RefOr<Content>)| {
            (if is_problem(&content) { PROBLEM.to_owned() } else { kind }, content)
        };
        response.content = content.map(named).collect();
    }
    let any = ResponseBuilder::new()
        .description("What went wrong")
        .content(PROBLEM, Content::new(Some(problem())))
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(any));
}

/// A field that may be null is written all the same; only what says of itself that it is not null may be missing.
fn require_what_is_always_there(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            for (name, property) in &object.properties {
                if may_be_null(property) && !object.required.contains(name) {
                    object.required.push(name.clone());
                }
            }
        }
        Schema::OneOf(one) => one.items.iter_mut().for_each(require_what_is_always_there),
        Schema::AllOf(all) => all.items.iter_mut().for_each(require_what_is_always_there),
        _ => {}
    }
}

fn may_be_null(property: &RefOr<Schema>) -> bool {
    let is_null = |kind: &SchemaType| match kind {
        SchemaType::Type(kind) => *kind == Type::Null,
        SchemaType::Array(kinds) => kinds.contains(&Type::Null),
        SchemaType::AnyValue => false,
    };
    match property {
        RefOr::T(Schema::Object(object)) => is_null(&object.schema_type),
        RefOr::T(Schema::Array(array)) => is_null(&array.schema_type),
        RefOr::T(Schema::OneOf(one)) => one.items.iter().any(may_be_null),
        _ => false,
    }
}
