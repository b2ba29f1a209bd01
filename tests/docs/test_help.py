"""What the help shows can be used as it stands."""

import textwrap
from pathlib import Path

from click.testing import CliRunner

from reconciler.cli import cli


def test_the_seed_in_the_help_can_be_loaded(tmp_path: Path) -> None:
    """From ``tenants:`` to the next paragraph it is a seed, with one of each."""
    shown = CliRunner().invoke(cli, ["sandbox", "serve", "--help"]).output
    paragraph = shown[shown.index("    tenants:") :].partition("\n\n")[0]
    (tmp_path / "seed.yaml").write_text(textwrap.dedent(paragraph))
    loaded = CliRunner().invoke(cli, ["sandbox", "seed", str(tmp_path / "seed.yaml"), "--db", str(tmp_path / "db")])
    assert loaded.exit_code == 0, loaded.output
    for word in ("1 accessControls", "1 templates", "1 groups", "2 employees", "1 customers", "1 assignments"):
        assert word in loaded.output
