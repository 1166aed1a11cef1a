use std::time::Instant;

use js_int::UInt;
use proptest::prelude::*;
use ruma_common::{MilliSecondsSinceUnixEpoch, RoomVersionId, ServerName, server_name};

use super::*;
use crate::{
    key::{PublicKey, SecretKey},
    moment::later,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn ts(ms: u64) -> MilliSecondsSinceUnixEpoch {
    MilliSecondsSinceUnixEpoch(UInt::new(ms).expect("a time"))
}

fn days(days: u64) -> MilliSecondsSinceUnixEpoch {
    ts(1_800_000_000_000 + days * DAY_MS)
}

fn secret(number: u64) -> SecretKey {
    let mut seed = [9; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_seed(&seed)
}

fn public(number: u64) -> PublicKey {
    secret(number).public()
}

fn signers(numbers: &[u64], threshold: u32) -> Signers {
    let signer = |number: &u64| Signer {
        name: format!("Amt {number}"),
        key: public(*number),
    };
    Signers {
        threshold,
        keys: numbers.iter().map(signer).collect(),
    }
}

fn server(name: &str, key: u64) -> Server {
    Server {
        name: ServerName::parse(name).expect("a server name"),
        organisation: format!("Behörde {name}"),
        mail_domains: vec![format!("mail.{name}")],
        keys: vec![SigningKey {
            id: "ed25519:a".try_into().expect("a key id"),
            key: public(key),
            not_before: None,
            not_after: None,
        }],
        classification: Classification::Restricted,
        status: Status::Active,
        not_after: None,
        contact: "it@amt.example".to_owned(),
        other: Default::default(),
    }
}

/// The first roster: three signers of whom two have to sign, two members, thirty days.
fn first() -> Roster {
    Roster {
        format: FORMAT.to_owned(),
        critical: Vec::new(),
        roster_id: "bund.example".to_owned(),
        seq: 1_u32.into(),
        prev_hash: None,
        not_before: days(0),
        not_after: days(30),
        signers: signers(&[1, 2, 3], 2),
        policy: Policy {
            min_room_version: 12_u32.into(),
            encryption_required: true,
            other: Default::default(),
        },
        servers: vec![server("a.example", 11), server("b.example", 12)],
        other: Default::default(),
    }
}

fn signed(roster: &Roster, by: &[u64]) -> Document {
    let mut document = Document::draft(roster).expect("a good roster");
    for number in by {
        document.sign(&secret(*number));
    }
    document
}

/// The document after one, with changes.
fn next(document: &Document, change: impl FnOnce(&mut Roster)) -> Roster {
    let mut roster = document.roster().expect("a good roster");
    roster.seq = UInt::new(u64::from(roster.seq) + 1).expect("a number");
    roster.prev_hash = Some(document.hash());
    change(&mut roster);
    roster
}

fn pins() -> Trusted {
    Trusted::pinned("bund.example".to_owned(), signers(&[1, 2, 3], 2)).expect("good signers")
}

/// Trust after the first roster, and the roster.
fn with_first() -> (Trusted, Document) {
    let document = signed(&first(), &[1, 2]);
    let verified = pins().verify(&document, days(1), 0).expect("it counts");
    assert!(verified.is_new());
    (pins().after(&verified), document)
}

fn verify(trusted: &Trusted, document: &Document) -> Result<Verified, Refusal> {
    trusted.verify(document, days(2), DEFAULT_GRACE_MS)
}

fn members(roster: &Roster) -> Members {
    let verified = verify(&pins(), &signed(roster, &[1, 3])).expect("it counts");
    Members::new(verified, DEFAULT_GRACE_MS)
}

#[test]
fn a_file_comes_back_as_it_was() {
    let document = signed(&first(), &[3, 1, 2]);
    let bytes = document.to_bytes();
    let again = Document::parse(&bytes).expect("our own file");
    assert_eq!(again, document);
    assert_eq!(again.roster(), Ok(first()));
    assert_eq!(again.to_bytes(), bytes);
}

#[test]
fn two_of_three_are_enough() {
    for by in [&[1, 2][..], &[1, 3], &[3, 2], &[1, 2, 3]] {
        verify(&pins(), &signed(&first(), by)).expect("it counts");
    }
}

#[test]
fn one_of_three_is_too_few_and_counts_once() {
    let mut document = signed(&first(), &[1]);
    let refusal = Refusal::TooFewSignatures { wanted: 2, found: 1 };
    assert_eq!(verify(&pins(), &document), Err(refusal.clone()));
    document.sign(&secret(1));
    assert_eq!(verify(&pins(), &document), Err(refusal.clone()));
    // Nor does it help that a stranger signs, too.
    document.sign(&secret(99));
    assert_eq!(verify(&pins(), &document), Err(refusal));
    // The same signer twice in one file is no file.
    let text = String::from_utf8(signed(&first(), &[1]).to_bytes()).expect("text");
    let (content, signature) = text.split_once("\"signatures\":{").expect("signatures");
    let signature = signature.trim_end_matches('}');
    let twice = format!("{content}\"signatures\":{{{signature},{signature}}}}}");
    assert_eq!(Document::parse(twice.as_bytes()), Err(Malformed::NotCanonical));
}

#[test]
fn strangers_sign_in_vain() {
    assert_eq!(
        verify(&pins(), &signed(&first(), &[7, 8, 9])),
        Err(Refusal::WrongSigner { wanted: 2 })
    );
    assert_eq!(
        verify(&pins(), &signed(&first(), &[])),
        Err(Refusal::Unsigned { wanted: 2 })
    );
}

#[test]
fn a_document_can_not_name_its_own_judges() {
    let mut roster = first();
    roster.signers = signers(&[7, 8], 1);
    let refusal = verify(&pins(), &signed(&roster, &[7, 8]));
    assert_eq!(refusal, Err(Refusal::WrongSigner { wanted: 2 }));
    // Signed as it should be, it is still in vain while none of the new ones confirms.
    let refusal = verify(&pins(), &signed(&roster, &[1, 2]));
    assert_eq!(refusal, Err(Refusal::TooFewNewSigners { wanted: 1, found: 0 }));
    verify(&pins(), &signed(&roster, &[1, 2, 7])).expect("old and new have signed");
}

#[test]
fn a_signature_of_other_content_is_named() {
    let text = String::from_utf8(signed(&first(), &[1, 2, 3]).to_bytes()).expect("text");
    let changed = text.replace("a.example", "e.example");
    let sorted = changed.replace("\"name\":\"b.example\"", "\"name\":\"f.example\"");
    let document = Document::parse(sorted.as_bytes()).expect("well-formed");
    assert_eq!(
        verify(&pins(), &document),
        Err(Refusal::BadSignature {
            signer: "Amt 1".to_owned()
        })
    );
}

#[test]
fn the_roster_of_another_federation_is_refused_although_the_signers_are_the_same() {
    let mut roster = first();
    roster.roster_id = "land.example".to_owned();
    let refusal = verify(&pins(), &signed(&roster, &[1, 2])).expect_err("another one");
    assert_eq!(
        refusal.to_string(),
        "this is the roster of land.example, and not of bund.example"
    );
}

#[test]
fn numbers_never_go_back() {
    let (trusted, document) = with_first();
    let second = signed(&next(&document, |_| ()), &[1, 2]);
    let trusted = trusted.after(&verify(&trusted, &second).expect("the next"));
    assert_eq!(
        verify(&trusted, &document),
        Err(Refusal::Rollback {
            held: 2_u32.into(),
            found: 1_u32.into()
        })
    );
    assert!(!verify(&trusted, &second).expect("known already").is_new());
}

#[test]
fn a_number_has_one_content() {
    let (trusted, _) = with_first();
    let mut other = first();
    other.servers.pop();
    assert_eq!(
        verify(&trusted, &signed(&other, &[1, 2])),
        Err(Refusal::Fork { seq: 1_u32.into() })
    );
}

#[test]
fn the_next_document_follows_the_one_that_is_known() {
    let (trusted, document) = with_first();
    let other = signed(
        &next(&document, |roster| roster.prev_hash = Some(Hash::of(b"x"))),
        &[1, 2],
    );
    assert_eq!(
        verify(&trusted, &other),
        Err(Refusal::BrokenChain { seq: 2_u32.into() })
    );
}

#[test]
fn documents_in_between_may_be_missing() {
    let (trusted, document) = with_first();
    let second = signed(&next(&document, |_| ()), &[1, 2]);
    let third = signed(&next(&second, |_| ()), &[2, 3]);
    let trusted = trusted.after(&verify(&trusted, &third).expect("a later one"));
    assert_eq!(trusted.last().map(|last| last.seq), Some(3_u32.into()));
    assert!(matches!(verify(&trusted, &second), Err(Refusal::Rollback { .. })));
}

#[test]
fn changed_signers_count_from_then_on() {
    let (trusted, document) = with_first();
    let change = |roster: &mut Roster| roster.signers = signers(&[1, 4, 5], 2);
    let second = signed(&next(&document, change), &[1, 2, 4]);
    let trusted = trusted.after(&verify(&trusted, &second).expect("old and new have signed"));
    let third = next(&second, |_| ());
    let refusal = verify(&trusted, &signed(&third, &[2, 3]));
    assert_eq!(refusal, Err(Refusal::WrongSigner { wanted: 2 }));
    let third = signed(&third, &[4, 5]);
    verify(&trusted, &third).expect("the new ones");
    // Who missed the change needs the document that made it.
    let (late, _) = with_first();
    assert_eq!(verify(&late, &third), Err(Refusal::WrongSigner { wanted: 2 }));
}

#[test]
fn what_was_kept_goes_on_unless_the_operator_names_other_signers() {
    let (trusted, document) = with_first();
    let change = |roster: &mut Roster| roster.signers = signers(&[4, 5], 2);
    let second = signed(&next(&document, change), &[1, 2, 4, 5]);
    let kept = trusted.after(&verify(&trusted, &second).expect("it counts"));
    let kept: Trusted =
        serde_json::from_str(&serde_json::to_string(&kept).expect("JSON")).expect("what was written");
    let third = signed(&next(&second, |_| ()), &[4, 5]);

    let same = pins().resume(kept.clone());
    assert_eq!(same, kept);
    verify(&same, &third).expect("the document's signers count");

    let others = Trusted::pinned("bund.example".to_owned(), signers(&[2, 3], 1)).expect("good");
    let others = others.resume(kept.clone());
    assert_eq!(others.last(), kept.last(), "numbers don't go back");
    assert_eq!(verify(&others, &third), Err(Refusal::WrongSigner { wanted: 1 }));

    let elsewhere = Trusted::pinned("land.example".to_owned(), signers(&[1], 1)).expect("good");
    assert_eq!(elsewhere.clone().resume(kept), elsewhere);
}

#[test]
fn it_ends_fails_closed_and_has_grace() {
    let document = signed(&first(), &[1, 2]);
    let at = |now| pins().verify(&document, now, DEFAULT_GRACE_MS);
    at(ts(u64::from(days(30).get()) - 1)).expect("the last moment");
    at(days(32)).expect("in grace");
    let refusal = at(days(33)).expect_err("over");
    assert_eq!(refusal, Refusal::Expired { not_after: days(30) });
    assert!(refusal.to_string().contains("2027-02-14 08:00 UTC"), "{refusal}");
    assert!(pins().verify(&document, days(30), 0).is_err(), "no grace");

    let members = members(&first());
    let name = server_name!("a.example");
    for (day, validity, is_member) in [
        (0, Validity::Valid, true),
        (29, Validity::Valid, true),
        (30, Validity::Grace { until: days(33) }, true),
        (32, Validity::Grace { until: days(33) }, true),
        (33, Validity::Expired, false),
        (4000, Validity::Expired, false),
    ] {
        assert_eq!(members.status_at(days(day)), validity, "day {day}");
        assert_eq!(members.is_member(name, days(day)), is_member, "day {day}");
        assert_eq!(members.all(days(day)).count(), if is_member { 2 } else { 0 });
    }
}

#[test]
fn what_was_accepted_is_taken_up_again_however_long_ago_it_ended() {
    let (trusted, document) = with_first();
    let verified = trusted.recall(&document).expect("the last one");
    assert!(!verified.is_new());
    let members = Members::new(verified, DEFAULT_GRACE_MS);
    assert_eq!(members.closes_at(), days(33));
    assert!(members.is_member(server_name!("a.example"), days(1)));
    assert!(
        !members.is_member(server_name!("a.example"), days(33)),
        "by the time"
    );

    let second = signed(&next(&document, |_| ()), &[1, 2]);
    assert_eq!(trusted.recall(&second), Err(Refusal::NotTheLast));
    assert_eq!(pins().recall(&document), Err(Refusal::NotTheLast));
    // Signers that the operator named since haven't signed it.
    let others = Trusted::pinned("bund.example".to_owned(), signers(&[2, 3], 2)).expect("good signers");
    let refusal = others.resume(trusted).recall(&document);
    assert_eq!(refusal, Err(Refusal::TooFewSignatures { wanted: 2, found: 1 }));
}

#[test]
fn a_clock_thirty_days_behind_opens_nothing() {
    let document = signed(&first(), &[1, 2]);
    let behind = ts(u64::from(days(1).get()) - 30 * DAY_MS);
    let refusal = pins()
        .verify(&document, behind, DEFAULT_GRACE_MS)
        .expect_err("not yet");
    assert_eq!(refusal, Refusal::NotYetValid { not_before: days(0) });
    assert!(refusal.to_string().contains("clock"), "{refusal}");
    let members = members(&first());
    assert_eq!(members.status_at(behind), Validity::NotYetValid);
    assert!(!members.is_member(server_name!("a.example"), behind));
}

#[test]
fn a_removed_server_is_no_member_and_has_no_keys() {
    let (trusted, document) = with_first();
    let second = next(&document, |roster| {
        roster.servers.remove(0);
    });
    let verified = verify(&trusted, &signed(&second, &[1, 2])).expect("the next");
    let members = Members::new(verified, DEFAULT_GRACE_MS);
    assert!(!members.is_member(server_name!("a.example"), days(2)));
    assert!(members.keys_at(server_name!("a.example"), days(2)).is_none());
    assert_eq!(members.server_of_domain("mail.a.example", days(2)), None);
    assert!(members.is_member(server_name!("b.example"), days(2)));
}

#[test]
fn a_suspended_server_is_no_member_but_what_it_signed_stays_signed() {
    let mut roster = first();
    roster.servers[0].status = Status::Suspended;
    roster.servers[1].not_after = Some(days(3));
    let members = members(&roster);
    let (a, b) = (server_name!("a.example"), server_name!("b.example"));
    assert!(!members.is_member(a, days(2)));
    assert_eq!(members.keys_at(a, days(2)).expect("known").count(), 1);
    assert!(members.is_member(b, days(2)));
    assert!(!members.is_member(b, days(3)), "its membership ends");
    assert!(!members.may_share(a, b, Classification::Unclassified, days(2)));
}

#[test]
fn a_swapped_key_counts_from_its_day_and_the_old_one_until_its_end() {
    let mut roster = first();
    roster.servers[0].keys[0].not_after = Some(days(10));
    roster.servers[0].keys.push(SigningKey {
        id: "ed25519:b".try_into().expect("a key id"),
        key: public(21),
        not_before: Some(days(9)),
        not_after: None,
    });
    let members = members(&roster);
    let a = server_name!("a.example");
    let ids = |day| {
        let keys = members.keys_at(a, days(day)).expect("known");
        keys.map(|key| key.id.key_name().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(8), ["a"]);
    assert_eq!(ids(9), ["a", "b"]);
    assert_eq!(ids(10), ["b"]);
    let old = <&ruma_common::ServerSigningKeyId>::try_from("ed25519:a").expect("a key id");
    assert_eq!(members.key_at(a, old, days(9)), Some(public(11)));
    assert_eq!(members.key_at(a, old, days(10)), None);
    // A server that the roster doesn't know has no answer; that isn't an empty one.
    assert!(members.keys_at(server_name!("c.example"), days(1)).is_none());
}

#[test]
fn it_knows_organisations_mail_domains_and_what_may_be_shared() {
    let mut roster = first();
    roster.servers[1].classification = Classification::Secret;
    let members = members(&roster);
    let (a, b) = (server_name!("a.example"), server_name!("b.example"));
    let now = days(2);
    assert_eq!(
        members.server(a).expect("known").organisation,
        "Behörde a.example"
    );
    assert_eq!(
        members
            .server_of_domain("Mail.B.example", now)
            .map(|name| &**name),
        Some(b)
    );
    assert_eq!(members.server_of_domain("b.example", now), None);
    assert_eq!(members.server_of_domain("mail.b.example", days(40)), None);
    assert!(members.may_share(a, b, Classification::Restricted, now));
    assert!(!members.may_share(a, b, Classification::Confidential, now));
    assert!(members.may_share(b, b, Classification::Secret, now));
    assert!(!members.may_share(b, server_name!("c.example"), Classification::Unclassified, now));
    assert!(members.policy().admits(&RoomVersionId::V12));
    assert!(!members.policy().admits(&RoomVersionId::V11));
    assert!(
        !members
            .policy()
            .admits(&"org.example.12".try_into().expect("an id"))
    );
}

#[test]
fn every_end_of_a_truncated_file_is_refused() {
    let bytes = signed(&first(), &[1, 2]).to_bytes();
    for end in 0..bytes.len() {
        assert!(Document::parse(&bytes[..end]).is_err(), "cut at {end}");
    }
    for more in ["\n", " ", "{}"] {
        let longer = [&bytes, more.as_bytes()].concat();
        assert!(Document::parse(&longer).is_err(), "{more:?}");
    }
    assert_eq!(
        Document::parse(&vec![b' '; MAX_BYTES + 1]),
        Err(Malformed::TooLarge)
    );
}

#[test]
fn nested_without_end_it_is_refused() {
    let deep = format!("{{\"roster\":{}", "[".repeat(MAX_BYTES - 20));
    assert!(matches!(
        Document::parse(deep.as_bytes()),
        Err(Malformed::Unreadable(_))
    ));
}

#[test]
fn fields_of_later_versions_are_signed_and_kept_unless_they_must_not_be_passed_over() {
    let mut roster = first();
    roster.other.insert("auditors".to_owned(), "x".into());
    roster.servers[0].other.insert("kt_key".to_owned(), "y".into());
    roster
        .policy
        .other
        .insert("max_root_age".to_owned(), UInt::from(5_u32).into());
    let document = signed(&roster, &[1, 2]);
    let document = Document::parse(&document.to_bytes()).expect("our own file");
    assert_eq!(verify(&pins(), &document).expect("it counts").roster(), &roster);

    let text = String::from_utf8(signed(&first(), &[]).to_bytes()).expect("text");
    let demanding = text.replacen("{\"roster\":{", "{\"roster\":{\"critical\":[\"auditors\"],", 1);
    let mut document = Document::parse(demanding.as_bytes()).expect("well-formed");
    document.sign(&secret(1));
    document.sign(&secret(2));
    let refusal = verify(&pins(), &document)
        .expect_err("it isn't understood")
        .to_string();
    assert!(
        refusal.contains("auditors") && refusal.contains("update"),
        "{refusal}"
    );

    let newer = text.replace(FORMAT, "rohrpost-roster-2");
    let refusal = Document::parse(newer.as_bytes())
        .expect_err("it isn't understood")
        .to_string();
    assert!(
        refusal.contains("rohrpost-roster-2") && refusal.contains("update"),
        "{refusal}"
    );
}

#[test]
fn what_signers_signed_has_to_be_within_bounds_all_the_same() {
    let text = String::from_utf8(signed(&first(), &[]).to_bytes()).expect("text");
    for (from, to) in [
        ("\"b.example\"", "\"a.example\""),
        ("\"seq\":1", "\"seq\":1.0"),
        ("\"seq\":1", "\"seq\":9007199254740993"),
        ("\"status\":\"active\"", "\"status\":\"asleep\""),
        ("\"not_before\":1800000000000", "\"not_before\":-1"),
        ("\"threshold\":2", "\"threshold\":0"),
        ("\"threshold\":2", "\"threshold\":4"),
    ] {
        assert!(text.contains(from), "{from}");
        let mut document = Document::parse(text.replace(from, to).as_bytes()).expect("well-formed");
        document.sign(&secret(1));
        document.sign(&secret(2));
        let refusal = verify(&pins(), &document);
        assert!(matches!(refusal, Err(Refusal::Malformed(_))), "{to}: {refusal:?}");
    }
}

#[test]
fn bounds_are_told_with_their_place() {
    let wrong = |change: &dyn Fn(&mut Roster), said: &str| {
        let mut roster = first();
        change(&mut roster);
        let problem = roster.check().expect_err(said).to_string();
        assert!(problem.contains(said), "\"{said}\" isn't in \"{problem}\"");
    };
    wrong(&|r| r.servers.swap(0, 1), "in the order of their names");
    wrong(
        &|r| r.servers[1].name = r.servers[0].name.clone(),
        "server a.example stands there twice",
    );
    wrong(
        &|r| r.servers[1].keys[0].key = public(11),
        "server b.example: key ed25519:a",
    );
    wrong(&|r| r.servers[1].keys.clear(), "signing keys");
    wrong(
        &|r| r.servers[1].mail_domains = vec!["mail.a.example".to_owned()],
        "mail.a.example stands there twice",
    );
    wrong(
        &|r| r.servers[0].mail_domains[0] = "Mail.example".to_owned(),
        "no mail domain",
    );
    wrong(
        &|r| r.servers[0].organisation = "A\u{202e}B".to_owned(),
        "organisation",
    );
    wrong(&|r| r.servers[0].contact = String::new(), "contact");
    wrong(
        &|r| r.servers[0].name = ServerName::parse("A.example").expect("a name"),
        "small letters",
    );
    wrong(
        &|r| r.servers[0].keys[0].id = "x25519:a".try_into().expect("an id"),
        "only Ed25519",
    );
    wrong(
        &|r| {
            r.servers[0].keys[0].not_before = Some(days(2));
            r.servers[0].keys[0].not_after = Some(days(1));
        },
        "ends before it begins",
    );
    wrong(&|r| r.signers = signers(&[1, 1], 1), "twice");
    wrong(&|r| r.signers = signers(&[], 0), "1 to 16 signers");
    wrong(&|r| r.roster_id = "Bund".to_owned(), "roster_id");
    wrong(&|r| r.not_after = r.not_before, "end after it begins");
    wrong(&|r| r.not_after = days(401), "400 days");
    wrong(&|r| r.prev_hash = Some(Hash::of(b"")), "prev_hash");
    wrong(&|r| r.seq = 2_u32.into(), "prev_hash");
    wrong(&|r| r.policy.min_room_version = 0_u32.into(), "room version");
}

fn large(servers: u64) -> Roster {
    let mut roster = first();
    roster.servers = (0..servers)
        .map(|at| server(&format!("amt-{at:05}.example"), 100 + at))
        .collect();
    roster
}

#[test]
fn ten_thousand_members_are_the_most_and_quick() {
    let bytes = signed(&large(10_000), &[1, 2, 3]).to_bytes();
    let began = Instant::now();
    let document = Document::parse(&bytes).expect("a large file");
    let verified = verify(&pins(), &document).expect("it counts");
    let members = Members::new(verified, 0);
    let took = began.elapsed();
    println!("{} bytes, {took:?}", bytes.len());
    assert!(members.is_member(server_name!("amt-09999.example"), days(2)));
    // A second even without optimisation on a busy computer would be a mistake in how it grows.
    assert!(took.as_secs() < 10, "{took:?}");
    let problem = large(10_001).check().expect_err("one too many").to_string();
    assert!(problem.contains("10001 servers are too many"), "{problem}");
}

#[test]
fn no_file_with_a_flipped_bit_counts() {
    let mut bytes = signed(&first(), &[1, 2]).to_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            let verified = Document::parse(&bytes)
                .map_err(Refusal::from)
                .and_then(|it| verify(&pins(), &it));
            assert!(verified.is_err(), "bit {bit} of byte {at}");
            bytes[at] ^= 1 << bit;
        }
    }
    verify(&pins(), &Document::parse(&bytes).expect("as it was")).expect("as it was");
}

proptest! {
    #[test]
    fn whatever_is_within_bounds_comes_back(
        organisation in "[ -~äöüßé€]{1,40}",
        seq in 2_u64..=9_007_199_254_740_991,
        from in 0_u64..4_000_000_000_000,
        lasts in 1..=MAX_LIFETIME_MS,
        count in 0_u64..20,
    ) {
        let mut roster = large(count);
        roster.seq = UInt::new(seq).expect("a number");
        roster.prev_hash = Some(Hash::of(organisation.as_bytes()));
        roster.not_before = ts(from);
        roster.not_after = later(ts(from), lasts);
        for server in &mut roster.servers {
            server.organisation = organisation.trim().to_owned();
        }
        prop_assume!(!organisation.trim().is_empty());
        let bytes = signed(&roster, &[1, 2]).to_bytes();
        let document = Document::parse(&bytes).expect("our own file");
        prop_assert_eq!(document.to_bytes(), bytes);
        let verified = pins().verify(&document, ts(from), 0).expect("it counts");
        prop_assert_eq!(verified.roster(), &roster);
    }

    #[test]
    fn anything_at_all_is_read_without_a_panic(bytes in any::<Vec<u8>>(), text in "[\\[{\"a:,1}\\]]{0,80}") {
        let _ = Document::parse(&bytes);
        let _ = Document::parse(text.as_bytes());
        let _ = Document::parse(format!("{{\"roster\":{text},\"signatures\":{{}}}}").as_bytes());
    }
}
