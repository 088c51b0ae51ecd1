"""The formulas behind the page Aesthetics, one click away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from urbanlens.ui import aesthetics, pictures

if TYPE_CHECKING:
    from urbanlens.models import ModelCard
    from urbanlens.ui.aesthetics import Study


def about(study: Study) -> None:
    """How marks, maps, crops and tests are computed, what the networks are, and what they cannot do."""
    with st.expander("How is this computed?", icon=":material/function:"):
        cards = [network.card for network in study.networks.values() if network.card is not None]
        st.markdown("**These networks.**\n\n" + "\n".join(f"- {pictures.plain(_figures(card))}" for card in cards))
        st.markdown(
            "After *The Usefulness of Class Activation Maps for Understanding Image Aesthetic Classifiers* (Chu, "
            "Dhuldhoya). A trunk $f_{enc}$ that learnt to name everyday things looks at the picture, squeezed into a "
            "square, and gives $K$ maps $A^k$ of features. It stays frozen; only a small head on the average of these "
            "maps learns from people's votes. The paper's trunks are VGG-16, whose head tells high from low (a mean "
            "mark above 5, or not), and MobileNetV2, whose heads tell how many voters give each mark of 1 to 10, and "
            "which tags. The heads of the demo's networks stand on the first stages of EfficientNet-Lite0 (up to its "
            "stride of 16 px), whose weights come with the program; networks of your own may be the paper's."
        )
        st.markdown("**Marks.** They are ordered, so a network that misses by one mark should pay less than by five:")
        # In short lines: a telephone shows no more.
        st.latex(r"\mathrm{EMD} = \Big(\tfrac{1}{10} \sum_{k=1}^{10} |\hat P_k - P_k|^2\Big)^{1/2}")
        st.latex(r"P_k = p_1 + \dots + p_k, \quad \mu = \sum_k k\,p_k")
        st.latex(r"\sigma = \Big(\sum_k (k - \mu)^2 p_k\Big)^{1/2}")
        st.markdown(
            "with $p_k$ the share of the voters who gave mark $k$, $\\hat p_k$ what is foretold, $\\mu$ the mean mark "
            "and $\\sigma$ its spread."
        )
        _maps()


def _maps() -> None:
    """The maps, what is done with them, and what none of this can do."""
    st.markdown("**Maps** are Grad-CAM (Selvaraju et al., 2017) of a number $y$ that the network puts out:")
    st.latex(r"L^y = \mathrm{ReLU}\Big(\sum_k \alpha_k A^k\Big)")
    st.latex(r"\alpha_k = \frac{1}{Z} \sum_{i,j} \frac{\partial y}{\partial A^k_{ij}}")
    st.markdown(
        "For a mark or a tag, $y$ is its score before the softmax. For *high* by the mean mark $y = \\mu$, for "
        "*low* $y = -\\mu$; by high and low it is the score of that class. Each map is scaled to 0 … 1 by itself, "
        "so a bright one is not a strong one, and it says where the score comes from, not why."
    )
    st.markdown(
        "**Crops.** The aesthetic box is the smallest one round all places where the map of *high* reaches the "
        "threshold. The average box lies half-way, side by side, between it and the box of a tag's map. A locked "
        "ratio takes the smallest box of that ratio round it, or the largest one that fits the picture. The "
        "networks then judge each crop as a picture of its own."
    )
    st.markdown(
        "**Covering up.** Let $M$ be the fifth of the picture where a map is strongest. It is blurred until "
        "nothing can be told there, and the network asked again; then the same shape is pushed round the picture, "
        "to the three places $M_1, M_2, M_3$, of a grid of 8 x 8, where it overlaps least with $M$:"
    )
    st.latex(r"\text{fall} = y(x) - y(x \setminus M)")
    st.latex(r"\text{elsewhere} = \tfrac{1}{3} \sum_{j} \big(y(x) - y(x \setminus M_j)\big)")
    st.markdown(
        "Here $y$ is the share of the voters, the certainty, or the mean mark (which for *low* should rise). Only "
        "where the fall is larger than elsewhere does the map show more than any part of the picture would. A "
        "blurred patch is itself no everyday sight, so small differences say nothing, and one picture proves "
        "nothing."
    )
    st.markdown(
        "**What they cannot do.** They tell what the voters of their training data liked, not what is good; nobody "
        "else was asked. They never saw the place, only the picture: light, weather and framing count as much as "
        "what was built. The paper found that the maps of images whose mean mark lies between 4.5 and 6.5 are "
        "unclear, whatever they explain (section 4.4.5), and that how much of a picture the map of *high* fills "
        "hardly goes with its marks (r = 0.24). A crop that a network likes better need not be one that people do."
    )


def _figures(card: ModelCard) -> str:
    """From what a network started, and all that is known of how well it does, each beside its baseline."""
    told, parts = card.metrics, [f"{card.name}: begun from {card.training.get('start') or 'nothing'}, {card.size} px"]
    if "balanced_accuracy" in told:
        bounds = aesthetics.within(told.get("balanced_accuracy_interval"), percent=True)
        parts.append(
            f"high told from low on {told['images']:,} test images with a balanced accuracy of "
            f"{told['balanced_accuracy']:.1%}{bounds}, by chance 50 %"
        )
    if "emd" in told:
        parts.append(
            f"distance from the votes (EMD) {told['emd']:.3f}{aesthetics.within(told.get('emd_interval'))}, always "
            f"answering the mean distribution {told['emd_of_mean']:.3f}"
        )
    if "spearman" in told:
        parts.append(
            f"order of the mean marks {told['spearman']:.2f}{aesthetics.within(told.get('spearman_interval'))} of 1"
        )
    return "; ".join(parts) + "."
