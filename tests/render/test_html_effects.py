"""What a plan comes to for users, on the page: sensitive gains at its top, the rest with each tenant."""

from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.model import Person
from reconciler.core.plan import Plan
from tests.render.test_html import case_named, one, page_of, parsed, text, tree_of, with_class


def test_what_is_sensitive_is_gained_at_the_top() -> None:
    """Before refusals and changes; several users who gain it alike unfold to their names."""
    main = one(tree_of(case_named("access")), "body/main")
    assert main[0].get("class") == "remarks gains"
    assert text(one(main[0], "h2")) == "Sensitive access gained (13 users)"
    ana, clerks = one(main[0], "ul")
    assert text(ana) == (
        "acmeprod: ana (ana@acme.example, Ana Blum, 00u4ukqvzlEP31sCk418) gains catalog.catalog_manage, "
        "product.product_manage through catalog (Catalog managers)"
    )
    said = "acmeprod: 12 users (clerk01, clerk02, clerk03 and 9 more) gain availability.availability_manage--DE"
    assert text(one(clerks, "details/summary")).startswith(said)
    assert len(one(clerks, "details/ul")) == 12


def test_access_stands_with_its_tenant_before_the_groups() -> None:
    acme, beta = with_class(tree_of(case_named("access")), "tenant")
    assert [child.get("class") for child in acme][2:] == ["access", *["group short"] * 3]
    assert text(one(acme, "section[1]/details/summary")) == "Access 16 users, 4 different scopes gained, 1 scope lost"
    first, second, _, lea = with_class(acme, "effect")
    assert [(item.get("class"), text(item)) for item in one(first, "ul")][:5] == [
        ("add", "+ catalog.catalog_manage through catalog (Catalog managers) sensitive"),
        ("add", "+ product.product_manage through catalog (Catalog managers) sensitive"),
        ("add", "+ order.order_read through catalog (Catalog managers)"),
        ("destroy", "- price.price_manage was through old-prices (Prices until May)"),
        ("kept", "= product.product_read still through catalog (Catalog managers), ops (Ops)"),
    ]
    had = one(first, "ul/li[6]")
    assert [text(one(had, part)) for part in ("b", "details/summary", "span")] == [
        "=",
        "2 more scopes",
        "already through desk (Desk), ops (Ops)",
    ]
    assert [text(item) for item in one(had, "details/ul")] == [
        "category.category_read already through ops (Ops)",
        "media.media_read already through desk (Desk), ops (Ops)",
    ]
    assert [text(item) for item in one(lea, "ul")] == ["= product.product_manage already through ops (Ops)"]
    assert text(one(second, "details/summary")) == "2 users (ben, jorge@acme.example)"
    assert "Not computed for 300 users; --access-limit N asks for more" in text(beta)


def test_many_effects_are_summed_up_and_unfold_to_the_users() -> None:
    tree = tree_of(case_named("access-many"))
    (access,) = with_class(tree, "access")
    rows = [" ".join(map(text, row)).rstrip() for row in one(access, "details/table/tbody")]
    assert rows == [
        "iam.group_manage sensitive +26 users",
        "iam.user_manage sensitive +26 users",
        "order.order_read +26 users -4",
    ]
    assert text(one(access, "details/details/summary")) == "User by user (30 users)"
    assert len([*with_class(one(access, "details/details"), "effect")]) == 30
    assert len(one(next(with_class(tree, "gains")), "ul")) == 1


def test_a_tenant_of_which_only_that_is_known_has_its_access_too() -> None:
    tree = parsed(page_of(Plan(effects={"acme": Effects(uncounted=2), "beta": Effects()})))
    (tenant,) = with_class(tree, "tenant")
    assert text(one(tenant, "section")) == "Access Not computed for 2 users; --access-limit N asks for more"


def test_long_lists_of_sensitive_scopes_do_not_hide_the_changes() -> None:
    grants = tuple(Grant(Right(f"s{number:02}"), (f"ops{number}",)) for number in range(60))
    told = tuple(Effect((Person("", f"00u{at}"),), (grant,)) for at, grant in enumerate(grants))
    effects = Effects(told, frozenset(grant.right for grant in grants))
    (gains,) = with_class(parsed(page_of(Plan(effects={"acme": effects}))), "gains")
    assert [len(one(gains, "ul")), len(one(gains, "details/ul"))] == [50, 10]
    assert text(one(gains, "details/summary")) == "10 more"
