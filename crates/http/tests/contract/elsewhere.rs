//! Endpoints without a row: they take no JSON, or need another world. The tests that ask them all a row would.

/// Method, path, and the tests.
pub(super) const ROWS: &[(&str, &str, &[&str])] = &[
    ("GET", "/_matrix/client/v3/login/sso/redirect", SSO),
    ("GET", "/_matrix/client/v3/login/sso/redirect/{idpId}", SSO),
    (
        "POST",
        "/_matrix/client/v3/refresh",
        &[
            "a_refresh_token_is_exchanged_when_the_access_token_ends",
            "a_lost_answer_to_a_refresh_can_be_asked_for_again",
            "a_stolen_refresh_token_ends_the_sign_in",
        ],
    ),
    (
        "POST",
        "/_matrix/client/v3/keys/device_signing/upload",
        &[
            "an_identity_is_seen_by_everybody_but_for_the_user_signing_key",
            "only_replacing_an_identity_needs_a_password",
            "malformed_identities_are_refused_and_leave_nothing",
        ],
    ),
    (
        "POST",
        "/_matrix/client/v3/keys/signatures/upload",
        &[
            "verified_signatures_are_kept_and_others_are_named",
            "a_signature_on_somebody_else_is_seen_by_the_signer_alone",
        ],
    ),
    (
        "POST",
        "/_matrix/client/v3/account/3pid/add",
        &["an_address_is_added_once_its_link_was_followed"],
    ),
    (
        "POST",
        "/_matrix/client/v3/account/3pid",
        &["an_address_is_added_in_the_old_way_under_the_same_conditions"],
    ),
    (
        "POST",
        "/_matrix/client/v1/appservice/{appserviceId}/ping",
        &["a_service_is_told_whether_it_can_be_reached"],
    ),
    (
        "PUT",
        "/_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}",
        &["a_service_keeps_lists_of_rooms_for_its_networks"],
    ),
    (
        "POST",
        "/_matrix/client/v3/account/3pid/email/requestToken",
        &["an_address_is_added_once_its_link_was_followed"],
    ),
    (
        "POST",
        "/_matrix/client/v3/account/password/email/requestToken",
        &["a_forgotten_password_is_set_anew"],
    ),
    (
        "POST",
        "/_matrix/client/v3/register/email/requestToken",
        &["an_account_is_made_with_an_address_of_the_organisation"],
    ),
    (
        "POST",
        "/_matrix/media/v1/create",
        &[
            "a_file_comes_after_its_address",
            "nobody_has_too_many_addresses_without_a_file",
        ],
    ),
    (
        "POST",
        "/_matrix/media/v3/upload",
        &[
            "what_was_uploaded_is_downloaded",
            "nothing_is_had_without_a_token",
            "an_upload_that_is_too_large_is_refused_and_leaves_nothing",
        ],
    ),
    (
        "PUT",
        "/_matrix/media/v3/upload/{serverName}/{mediaId}",
        &[
            "a_file_comes_after_its_address",
            "an_address_is_for_the_one_who_made_it_and_not_for_ever",
        ],
    ),
    (
        "GET",
        "/_matrix/client/v1/media/download/{serverName}/{mediaId}",
        DOWNLOAD,
    ),
    (
        "GET",
        "/_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName}",
        DOWNLOAD,
    ),
    (
        "GET",
        "/_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}",
        &[
            "a_picture_is_made_smaller_but_never_larger",
            "what_is_no_honest_picture_has_no_thumbnail",
            "nothing_is_had_without_a_token",
        ],
    ),
    (
        "GET",
        "/_matrix/media/v3/download/{serverName}/{mediaId}",
        DOWNLOAD,
    ),
    (
        "GET",
        "/_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}",
        DOWNLOAD,
    ),
    (
        "GET",
        "/_matrix/media/v3/thumbnail/{serverName}/{mediaId}",
        DOWNLOAD,
    ),
    ("GET", "/_matrix/client/v1/media/preview_url", PREVIEW),
    ("GET", "/_matrix/media/v3/preview_url", PREVIEW),
];

const PREVIEW: &[&str] = &[
    "a_page_is_shown_with_its_picture_and_fetched_once_an_hour",
    "what_is_no_link_is_refused_and_without_previews_there_is_no_endpoint",
];

const DOWNLOAD: &[&str] = &[
    "what_was_uploaded_is_downloaded",
    "nothing_is_had_without_a_token",
    "no_address_leads_out_of_the_media_folder",
];

const SSO: &[&str] = &[
    "a_program_sends_its_user_to_the_page_and_gets_them_back_with_a_token",
    "nobody_gets_a_token_who_is_not_signed_in_to_the_page",
    "nobody_is_sent_where_they_can_not_see_that_they_are_sent",
    "without_the_page_or_without_older_programs_there_is_no_such_way",
];
