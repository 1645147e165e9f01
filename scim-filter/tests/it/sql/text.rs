//! The SQL that is written, and the filters that are refused.

use rusqlite::params_from_iter;
use scim_core::{Lenience, Leniency, ResourceType, urn};
use scim_filter::Filter;
use scim_filter::sql::{Column, Condition, Dialect, Json, Links, Param, Rows, SqlError, Table};

use super::databases::{postgres, sqlite, sqlite_param};

fn users() -> Table {
    Table::new("u", "row")
        .column("id", Column::as_text("id"))
        .column("userName", Column::comparable("name_key"))
        .column("externalId", Column::verbatim("external"))
        .column("locale", Column::ascii("locale"))
        .column("active", Column::verbatim("active"))
        .column("meta.created", Column::unix_millis("created"))
        .column("meta.lastModified", Column::timestamptz("modified"))
        .column("title", Column::verbatim("title"))
        .absent("nickName")
        .rows(
            "emails",
            Rows::new("mail", "user")
                .column("value", Column::comparable("value_key"))
                .column("type", Column::ascii("type")),
        )
        .links("groups", Links::new("member", "user", Column::verbatim("group")))
}

fn translate(text: &str, table: &Table, dialect: Dialect) -> Result<Condition, SqlError> {
    let filter: Filter = text.parse().unwrap();
    let bound = filter
        .bind(&ResourceType::user(), &mut Lenience::new(Leniency::INTEROP))
        .unwrap_or_else(|e| panic!("{text}: {e}"));
    bound.to_sql(table, dialect, 0)
}

#[track_caller]
fn writes(text: &str, table: &Table, sqlite: &str, postgres: &str) {
    for (dialect, expected) in [(Dialect::Sqlite, sqlite), (Dialect::Postgres, postgres)] {
        let condition = translate(text, table, dialect).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.sql, expected, "{text}");
    }
}

#[track_caller]
fn refuses(text: &str, table: &Table, path: &str) {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        match translate(text, table, dialect) {
            Err(SqlError::NotMapped { path: found } | SqlError::Unfit { path: found, .. }) => {
                assert_eq!(found, path, "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn columns() {
    let users = users();
    writes(
        r#"userName eq "Jo""#,
        &users,
        r#"("u"."name_key" IS NOT NULL AND "u"."name_key" = ?1)"#,
        r#"("u"."name_key" IS NOT NULL AND "u"."name_key" = $1::text COLLATE "C")"#,
    );
    writes(
        r#"externalId sw "a""#,
        &users,
        r#"("u"."external" IS NOT NULL AND "u"."external" >= ?1 AND "u"."external" < ?2)"#,
        r#"("u"."external" IS NOT NULL AND "u"."external" >= $1::text COLLATE "C" AND "u"."external" < $2::text COLLATE "C")"#,
    );
    writes(
        r#"locale ew "x""#,
        &users,
        r#"(lower("u"."locale") IS NOT NULL AND substr(lower("u"."locale"), -length(?1)) = ?1)"#,
        r#"(lower("u"."locale" COLLATE "C") IS NOT NULL AND right(lower("u"."locale" COLLATE "C"), length($1::text COLLATE "C")) = $1::text COLLATE "C")"#,
    );
    writes(
        r#"id co "1""#,
        &users,
        r#"(CAST("u"."id" AS text) IS NOT NULL AND instr(CAST("u"."id" AS text), ?1) > 0)"#,
        r#"(CAST("u"."id" AS text) IS NOT NULL AND strpos(CAST("u"."id" AS text), $1::text COLLATE "C") > 0)"#,
    );
    writes(r"active eq true", &users, r#"("u"."active" IS TRUE)"#, r#"("u"."active" IS TRUE)"#);
    writes(
        "title pr",
        &users,
        r#"("u"."title" IS NOT NULL AND "u"."title" <> '')"#,
        r#"("u"."title" IS NOT NULL AND "u"."title" <> '')"#,
    );
    writes("nickName eq null", &users, "(NOT FALSE)", "(NOT FALSE)");
    writes(
        r#"not (userName pr and active ne false)"#,
        &users,
        r#"(NOT (("u"."name_key" IS NOT NULL AND "u"."name_key" <> '') AND (NOT ("u"."active" IS FALSE))))"#,
        r#"(NOT (("u"."name_key" IS NOT NULL AND "u"."name_key" <> '') AND (NOT ("u"."active" IS FALSE))))"#,
    );
    writes(
        r#"meta.created gt "1970-01-01T00:00:01.0005Z""#,
        &users,
        r#"("u"."created" IS NOT NULL AND "u"."created" > ?1)"#,
        r#"("u"."created" IS NOT NULL AND "u"."created" > $1::bigint)"#,
    );
    assert_eq!(
        translate(r#"meta.lastModified le "2011-05-13T06:42:34.5+02:00""#, &users, Dialect::Postgres)
            .unwrap(),
        Condition {
            sql: r#"("u"."modified" IS NOT NULL AND "u"."modified" <= $1::text::timestamptz)"#.into(),
            params: vec![Param::Text("2011-05-13T04:42:34.500000Z".into())],
        }
    );
    writes(r#"meta.resourceType eq "User""#, &users, "TRUE", "TRUE");
}

#[test]
fn filt_014_one_row_meets_the_whole_value_path() {
    let row = |parameter: &str, also: &str| {
        format!(
            "EXISTS (SELECT 1 FROM \"mail\" AS \"row of u\" WHERE \"row of u\".\"user\" = \"u\".\"row\" AND \
            {also}(\"row of u\".\"value_key\" IS NOT NULL AND \"row of u\".\"value_key\" = {parameter}))"
        )
    };
    writes(r#"emails.value eq "a""#, &users(), &row("?1", ""), &row("$1::text COLLATE \"C\"", ""));
    let condition =
        translate(r#"emails[not (type pr) and value eq "A"]"#, &users(), Dialect::Sqlite).unwrap();
    let also = r#"((NOT ("row of u"."type" IS NOT NULL AND "row of u"."type" <> '')) AND "#;
    assert_eq!(condition.sql, row("?1", also).replace("?1))", "?1)))"));
    assert_eq!(condition.params, [Param::Text("a".into())]);
}

#[test]
fn links() {
    writes(
        r#"groups eq "g1""#,
        &users(),
        r#"EXISTS (SELECT 1 FROM "member" AS "link of u" WHERE "link of u"."user" = "u"."row" AND ("link of u"."group" IS NOT NULL AND "link of u"."group" = ?1))"#,
        r#"EXISTS (SELECT 1 FROM "member" AS "link of u" WHERE "link of u"."user" = "u"."row" AND ("link of u"."group" IS NOT NULL AND "link of u"."group" = $1::text COLLATE "C"))"#,
    );
    let through = Links::new("member", "user", Column::verbatim("group"));
    let through = users().links("groups", through.through("groups", "row", Column::verbatim("id")));
    let expected = r#"EXISTS (SELECT 1 FROM "member" AS "link of u", "groups" AS "target of u" WHERE "link of u"."user" = "u"."row" AND "target of u"."row" = "link of u"."group" AND ("target of u"."id" IS NOT NULL AND "target of u"."id" = ?1))"#;
    assert_eq!(translate(r#"groups eq "g1""#, &through, Dialect::Sqlite).unwrap().sql, expected);
    let any = r#"EXISTS (SELECT 1 FROM "member" AS "link of u" WHERE "link of u"."user" = "u"."row")"#;
    writes("groups pr", &through, any, any);
}

#[test]
fn json() {
    let users = Table::new("users", "row").json(Json::comparable("doc"));
    writes(
        r#"name.familyName eq "A""#,
        &users,
        r#"(json_extract("users"."doc", '$."name"."familyName"') IS NOT NULL AND json_extract("users"."doc", '$."name"."familyName"') = ?1)"#,
        r#"(("users"."doc" -> 'name' ->> 'familyName') IS NOT NULL AND ("users"."doc" -> 'name' ->> 'familyName') = $1::text COLLATE "C")"#,
    );
    writes(
        "emails[primary eq true]",
        &users,
        r#"EXISTS (SELECT 1 FROM json_each("users"."doc", '$."emails"') AS "element of users" WHERE (json_extract("element of users"."value", '$."primary"') IS TRUE))"#,
        r#"EXISTS (SELECT 1 FROM jsonb_path_query(("users"."doc" -> 'emails'), '$[*]') AS "element of users"("value") WHERE (("element of users"."value" ->> 'primary') IS NOT NULL AND ("element of users"."value" ->> 'primary') = 'true'))"#,
    );
}

#[test]
fn what_a_client_writes_is_never_in_the_text() {
    let everything = users().json(Json::comparable("doc"));
    let evil = "x' OR 1=1; DROP TABLE users; --\\\" $1 ?1";
    for path in
        ["id", "userName", "externalId", "locale", "emails.value", "groups", "name.familyName", "photos"]
    {
        for op in scim_filter::CompareOp::ALL {
            let filter = Filter::compare(path, op, evil).unwrap();
            let Ok(bound) = filter.bind(&ResourceType::user(), &mut Lenience::new(Leniency::INTEROP)) else {
                continue;
            };
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                let condition = bound.to_sql(&everything, dialect, 0).unwrap();
                assert!(
                    !condition.sql.contains("DROP") && !condition.sql.contains("drop"),
                    "{}",
                    condition.sql
                );
                assert!(!condition.params.is_empty());
            }
        }
    }
}

#[test]
fn names_are_quoted() {
    let odd =
        Table::new("us\"ers", "k").column("userName", Column::verbatim("a\"; --")).json(Json::verbatim("d"));
    let sql = r#"("us""ers"."a""; --" IS NOT NULL AND "us""ers"."a""; --" <> '')"#;
    writes("userName pr", &odd, sql, sql);
}

#[test]
fn parameters_follow_those_of_the_statement() {
    let bound =
        Filter::eq("userName", "a").unwrap().bind(&ResourceType::user(), &mut Lenience::strict()).unwrap();
    let condition = bound.to_sql(&users(), Dialect::Postgres, 2).unwrap();
    assert!(condition.sql.contains("$3") && !condition.sql.contains("$1"), "{}", condition.sql);
}

#[test]
fn what_has_no_place_is_named() {
    let users = users();
    refuses(r#"userName pr and name.givenName eq "a""#, &users, "name.givenName");
    refuses("name pr", &users, "name.formatted");
    refuses("emails pr", &users, "emails.display");
    refuses(r#"emails[display eq "a"]"#, &users, "emails.display");
    refuses(r#"id eq "1""#, &Table::new("t", "k").json(Json::comparable("d")), "id");
    refuses("groups pr", &Table::new("t", "k").json(Json::comparable("d")), "groups");
    let department = format!("{}:department", urn::ENTERPRISE_USER);
    refuses(&format!("{department} pr"), &users, &department);
    // It is compared without regard to case, but stored as it was sent.
    refuses(r#"title eq "a""#, &users, "title");
    refuses("phoneNumbers pr", &users.column("phoneNumbers", Column::verbatim("phone")), "phoneNumbers");
}

#[test]
fn misspelt_paths_are_found() {
    let user = ResourceType::user();
    assert_eq!(users().unknown_paths(&user), [""; 0]);
    let emails = Rows::new("mail", "user").column("value", Column::ascii("v")).absent("kind");
    let misspelt = users().column("userNmae", Column::ascii("n")).rows("emails", emails);
    assert_eq!(misspelt.unknown_paths(&user), ["emails.kind", "usernmae"]);
}

#[test]
fn long_and_deep_filters_are_no_trouble() {
    let terms = |op: &str| (0..4_000).map(|n| format!("userName eq \"{n}\"")).collect::<Vec<_>>().join(op);
    let mut deep = "userName eq \"7\"".to_owned();
    for n in 0..30 {
        deep = format!("not ({deep} and userName ne \"{n}\" or title pr or title pr and active eq true)");
    }
    let table = Table::new("users", "row").json(Json::comparable("comparable"));
    let mut server = postgres();
    for text in [terms(" or "), terms(" and "), deep] {
        let mut found = Vec::new();
        let condition = translate(&text, &table, Dialect::Sqlite).unwrap();
        let database = sqlite();
        database
            .execute(r#"INSERT INTO users (row, comparable) VALUES (1, '{"userName": "7"}')"#, [])
            .unwrap();
        let select = format!("SELECT {} FROM users", condition.sql);
        let params = params_from_iter(condition.params.iter().map(sqlite_param));
        found.push(database.query_row(&select, params, |row| row.get::<_, bool>(0)).unwrap());
        if let Some(server) = &mut server {
            let condition = translate(&text, &table, Dialect::Postgres).unwrap();
            server.batch_execute("DELETE FROM users; INSERT INTO users (row, comparable) VALUES (1, '{\"userName\": \"7\"}')").unwrap();
            found
                .extend(super::databases::Database::ask(server, &[condition]).concat().into_iter().flatten());
            assert_eq!(found[0], found[1]);
        }
    }
}

#[test]
fn indexes_answer() {
    let database = sqlite();
    let indexes = "CREATE UNIQUE INDEX by_external ON users (\"externalId\");
        CREATE INDEX by_raw ON users (lower(\"raw userName\"));
        CREATE INDEX by_title ON users (json_extract(comparable, '$.\"title\"'));
        CREATE INDEX by_address ON emails (value);";
    database.execute_batch(indexes).unwrap();
    let table = Table::new("users", "row")
        .column("externalId", Column::comparable("externalId"))
        .column("userName", Column::ascii("raw userName"))
        .json(Json::comparable("comparable"));
    for (filter, index) in [
        (r#"externalId eq "a""#, "by_external (externalId=?)"),
        (r#"externalId sw "a""#, "by_external (externalId>? AND externalId<?)"),
        (r#"externalId eq "a" and title pr"#, "by_external (externalId=?)"),
        (r#"userName gt "a""#, "by_raw (<expr>>?)"),
        (r#"title eq "a""#, "by_title (<expr>=?)"),
        (r#"externalId eq "a" or title eq "b""#, "MULTI-INDEX OR"),
    ] {
        let condition = translate(filter, &table, Dialect::Sqlite).unwrap();
        let mut explain = database
            .prepare(&format!("EXPLAIN QUERY PLAN SELECT id FROM users WHERE {}", condition.sql))
            .unwrap();
        let params = params_from_iter(condition.params.iter().map(sqlite_param));
        let plan: Vec<String> =
            explain.query_map(params, |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{filter}: {plan:?}");
    }

    let Some(mut server) = postgres() else { return };
    let indexes = "CREATE INDEX ON users (\"externalId\" COLLATE \"C\");
        CREATE INDEX ON users (lower(\"raw userName\" COLLATE \"C\"));
        CREATE INDEX ON users ((comparable ->> 'title') COLLATE \"C\");
        SET enable_seqscan = off";
    server.batch_execute(indexes).unwrap();
    for (filter, index) in [
        (r#"externalId eq "a""#, "\"externalId\" = 'a'"),
        (r#"externalId sw "a""#, "\"externalId\" >= 'a'"),
        (r#"userName gt "a""#, "lower((\"raw userName\")::text) > 'a'"),
        (r#"title eq "a""#, "(comparable ->> 'title'::text) = 'a'"),
    ] {
        let mut condition = translate(filter, &table, Dialect::Postgres).unwrap();
        for (at, param) in condition.params.iter().enumerate() {
            let Param::Text(text) = param else { panic!("{param:?}") };
            condition.sql = condition.sql.replace(&format!("${}::text", at + 1), &format!("'{text}'::text"));
        }
        let explain =
            server.simple_query(&format!("EXPLAIN SELECT id FROM users WHERE {}", condition.sql)).unwrap();
        let plan: Vec<_> = explain
            .iter()
            .filter_map(|message| match message {
                postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .collect();
        let used = |step: &String| step.contains("Index Cond") && step.contains(index);
        assert!(plan.iter().any(used), "{filter}: {plan:?}");
    }
}
