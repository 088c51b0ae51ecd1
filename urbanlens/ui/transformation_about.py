"""The formulas behind the page Transformations, one click away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from urbanlens.ui import pictures

if TYPE_CHECKING:
    from urbanlens.ui.transformations import Study


def about(study: Study) -> None:
    """How a template image is made, how real images are found for it, and what none of this can tell."""
    with st.expander("How is this computed?", icon=":material/function:"):
        st.markdown(
            "After *Explainability pipeline for urban images* (2017). A **generator** $G$ draws a picture from a "
            "code: a small grid of numbers, $C$ for each part of the picture. It was trained to draw real images "
            "again from their codes $E(x)$, after Dosovitskiy & Brox (2016): the drawn picture shall be like the real "
            "one in its pixels and in the features of a network, and a second network must not be able to tell it "
            "from a real one:"
        )
        st.latex(r"\mathcal{L} = \lambda_1 \lVert G(E(x)) - x \rVert_1")
        st.latex(r"+\ \lambda_2 \lVert \phi(G(E(x))) - \phi(x) \rVert_1 + \lambda_3 \mathcal{L}_{adv}")
        st.markdown(
            "**Activation maximisation.** To turn an image into class $j$, its code is changed, not its pixels, so "
            "that the classifiers $p_d$ that *pull* see more of $j$ in what is drawn:"
        )
        st.latex(r"\hat z_j = \arg\max_z \sum_d \log p_d(j \mid G(z)), \quad \hat I_j = G(\hat z_j)")
        _methods(study)
        st.markdown(
            "**Networks that took no part** were never asked on the way. Only they can tell whether the template "
            "image $\\hat I_j$ is of class $j$, because a network that pulls is easily fooled by what it pulls "
            "towards. Step 0 is the picture drawn again with nothing changed: what they say of it is the baseline."
        )
        st.markdown("**The nearest real image** is the one that differs least from the template image:")
        st.latex(r"I' = \arg\min_{I} E(I, \hat I_j), \quad E = 1 - \cos\big(f(I),\, f(\hat I_j) - \delta\big)")
        st.markdown(
            "with $f$ the features of a network that did not pull, and $\\delta$ the mean difference between features "
            "of drawn-again and real images, measured on other images: without it, the nearest images would be those "
            "that are as blurred as the drawn ones. For light and dark, $E$ is one minus the structural similarity "
            "(SSIM) of the two pictures. All are compared at the size of the drawn ones.\n\n"
            "**Objects** in drawn pictures are what a segmenter sees in them, against what it sees at step 0; those of "
            "real images are their true labels, against those of the original.\n\n"
            "**What it cannot tell.** A template image shows what would make these networks see another class, not "
            "what would make people see one, and not what building it would do to a place. It is soft, small and "
            "drawn by a network that knows only its training images. The real image that it leads to is another "
            "place, which differs from the first in many ways that have nothing to do with the class."
        )


def _methods(study: Study) -> None:
    """The two ways of maximising."""
    st.markdown(
        "Left alone, this drifts to codes that no image has. **Guided by what real images look like**, the code is "
        "first covered with noise of spread $\\sigma$ (how far it may go from its image), and then cleared step by "
        "step by a network that knows which codes real images have, while the classifiers pull until they are sure "
        "enough. **Plain ascent, as in the paper** (after Nguyen et al., 2016), follows the gradient alone, lets the "
        "code decay, and cuts it off where real codes end."
    )
    names = [pictures.plain(name) for name in study.card.data.get("drivers", ())]
    judges = [pictures.plain(name) for name in study.card.data.get("judges", ())]
    if names or judges:
        pulled, asked = ", ".join(names) or "none", ", ".join(judges) or "none"
        st.markdown(f"Here, the networks that pull are: {pulled}. Those that take no part: {asked}.")
