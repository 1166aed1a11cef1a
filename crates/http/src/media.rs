//! Uploaded files: streamed in and out, never held in memory. Only for those who are signed in.
//!
//! Start with [`download`]; what protects a browser from what is downloaded stands in [`answer`].

mod answer;
mod authed;
mod create;
mod download;
mod get_config;
mod legacy;
mod preview_url;
mod range;
mod thumbnail;
mod upload;

use http::Method;
use ruma::api::{
    Metadata as _,
    client::{
        authenticated_media::{get_content, get_content_as_filename, get_content_thumbnail},
        media::{create_content, create_content_async},
    },
    path_builder::PathBuilder as _,
};

use crate::routes::{Access, Routes};

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(get_config::get_config);
    routes.authed(get_config::get_legacy_config);
    routes.authed(preview_url::preview_url);
    routes.authed(preview_url::preview_url_legacy);
    for path in create_content::v3::Request::PATH_BUILDER.all_paths() {
        routes.raw(Method::POST, path, Access::Authed, upload::upload);
    }
    routes.authed(create::create);
    for path in create_content_async::v3::Request::PATH_BUILDER.all_paths() {
        routes.raw(Method::PUT, path, Access::Authed, upload::upload_to);
    }
    for path in get_content::v1::Request::PATH_BUILDER.all_paths() {
        routes.raw(Method::GET, path, Access::Authed, download::download);
    }
    for path in get_content_as_filename::v1::Request::PATH_BUILDER.all_paths() {
        routes.raw(Method::GET, path, Access::Authed, download::download_as);
    }
    for path in get_content_thumbnail::v1::Request::PATH_BUILDER.all_paths() {
        routes.raw(Method::GET, path, Access::Authed, thumbnail::thumbnail);
    }
    for path in legacy::paths() {
        routes.raw(Method::GET, path, Access::Public, legacy::not_found);
    }
}
