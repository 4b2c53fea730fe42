import pytest

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.sites import KINDS
from tests.analysis.models import FAMILIES, tiny_model


@pytest.mark.parametrize("family", FAMILIES)
def test_a_site_is_the_module_that_its_path_names(family):
    adapter = ModelAdapter(tiny_model(family))
    seen = 0
    for kind in KINDS:
        for number, site in enumerate(adapter.sites("text", kind)):
            assert adapter.model.get_submodule(site.path) is site.module
            assert (site.part, site.kind, site.layer) == ("text", kind, number)
            assert site.io in ("input", "output") and site.width in (32, 48)
            seen += 1
    assert seen == 4 * 3
