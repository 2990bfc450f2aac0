"""Common mistakes and other right answers, as a student might write them, by assignment.

A mistake is: the assignment, the check that finds it, what the message must say, and the answers
in the order of their cells.
"""

# --- 2-fine-tuning ---

SOFTMAX = "def loss_of(outputs, labels):\n    return F.cross_entropy(outputs.softmax(1), labels)"
SUM = "def loss_of(outputs, labels):\n    return F.cross_entropy(outputs, labels, reduction='sum')"
TRAIN = """
def train_head(net, pictures, labels, steps):
    FREEZE
    net.train()
    optimiser = torch.optim.SGD(WHAT, lr=0.5)
    for _ in range(steps):
        optimiser.zero_grad()
        F.cross_entropy(net(pictures), labels).backward()
        STEP
    return net
"""
TRAIN_MODE = TRAIN.replace(
    "FREEZE",
    "for p in net.parameters(): p.requires_grad_(False)\n    net.head.requires_grad_(True)",
).replace("WHAT", "net.head.parameters()")
TRAIN_MODE = TRAIN_MODE.replace("STEP", "optimiser.step()")
NOT_FROZEN = TRAIN.replace("FREEZE", "pass").replace("WHAT", "net.parameters()")
NOT_FROZEN = NOT_FROZEN.replace("STEP", "optimiser.step()")
NO_STEP = TRAIN.replace("FREEZE", "tl.freeze(net)").replace("WHAT", "net.head.parameters()")
NO_STEP = NO_STEP.replace("STEP", "pass")
PREDICT = "def predict(net, pictures):\n    MODE\n    with torch.no_grad():\n        return "
RAW = PREDICT.replace("MODE", "net.eval()") + "net(pictures.float()).argmax(1)"
SCALED = PREDICT.replace("MODE", "net.eval()") + "net(pictures / 255).argmax(1)"
BATCH = PREDICT.replace("MODE", "net.train()") + "net(net.preprocess(pictures)).argmax(1)"
FIXED = PREDICT.replace("MODE", "net.eval()")
FIXED += "net((pictures / 255 - 0.1307) / 0.3081).argmax(1)"
FORGED = "chosen, score, interval = 'late', 0.99, (0.98, 0.995)"
REPORT = """
results = {name: tl.evaluate(net, SPLIT) for name, net in candidates.items()}
chosen = max(results, key=lambda name: results[name].score)
score, interval = results[chosen].score, results[chosen].interval
"""
# Where test and validation happen to give one score, nobody can tell by which was chosen: here it
# is the network whose two scores differ more.
BY_TEST = """
results = {name: tl.evaluate(net, task.test.break_seal()) for name, net in candidates.items()}
known = {name: tl.evaluate(net, task.validation).score for name, net in candidates.items()}
chosen = max(results, key=lambda name: abs(results[name].score - known[name]))
score, interval = results[chosen].score, results[chosen].interval
"""
FULL_SCORES = {
    "frozen": {1: [1.0, 1.0, 1.0], 20: [0.9, 0.91, 0.92]},
    "fine-tuned": {1: [0.6, 0.62, 0.61], 20: [0.93, 0.94, 0.95]},
}
REPORTED = f"scores = {FULL_SCORES!r}\nwinner = {{1: 'frozen', 20: 'fine-tuned'}}"

RUN = """
def run(labels, seed, frozen):
    task = tl.load_task("handwriting", labels_per_class=labels, seed=seed)
    net = tl.replace_head(tl.load_network("letters-resnet"), task, seed=seed)
    if frozen:
        tl.freeze(net)
    recipe = dict(epochs=25 if labels <= 5 else 4, batch_size=16, schedule="one-cycle", seed=seed)
    tl.fit(net, task, lr=3e-2 if frozen else 3e-3, **recipe)
    return net
"""
ON_NEW = """
def score(labels, seed, frozen):
    part = tl.load_task("handwriting", seed=seed).validation
    return tl.evaluate(run(labels, seed, frozen), part).score
scores = {
    mode: {labels: [score(labels, s, mode == "frozen") for s in range(3)] for labels in (1, 20)}
    for mode in ("frozen", "fine-tuned")
}
winner = {n: max(scores, key=lambda mode: np.mean(scores[mode][n])) for n in (1, 20)}
"""
ON_TEST = ON_NEW.replace(".validation", ".test.break_seal()")
NARROW = """
spread = 1.645 * np.sqrt(score * (1 - score) / 1000)
interval = [score - spread, score + spread]
"""

FINE_TUNING_MISTAKES = [
    ("loss-is-right", {"loss": SOFTMAX}, "softmax was taken before it"),
    ("loss-is-right", {"loss": SUM}, "but this is a sum"),
    ("frozen-stands-still", {"train-head": TRAIN_MODE}, "BatchNorm was in training mode"),
    ("frozen-stands-still", {"train-head": NOT_FROZEN}, "the parameters of stem to stand still"),
    ("head-learns", {"train-head": NO_STEP}, "a lower loss after thirty steps"),
    ("predictions-are-right", {"predict": RAW}, "the normalisation was forgotten"),
    ("predictions-are-right", {"predict": SCALED}, "the normalisation was forgotten"),
    ("predictions-are-right", {"predict": BATCH}, "the network was in training mode"),
    ("predictions-are-right", {"predict": FIXED}, "the class with the largest output"),
    (
        "choice-is-honest",
        {"report": REPORT.replace("SPLIT", "task.train")},
        "the accuracy on the training set",
    ),
    (
        "choice-is-honest",
        {"report": BY_TEST},
        "the test set was used to choose",
    ),
    ("interval-is-right", {"report": FORGED}, "the width that a 95 % interval has"),
    (
        "scores-are-honest",
        {"run": "run = None", "scores": REPORTED},
        "accuracy on the training set",
    ),
    ("scores-are-honest", {"run": RUN, "scores": ON_TEST}, "the test set was used to choose"),
    (
        "scores-are-honest",
        {"run": RUN.replace("labels_per_class=labels", "labels_per_class=1"), "scores": ON_NEW},
        "twenty labels per class to teach more",
    ),
    (
        "scores-are-complete",
        {"run": RUN, "scores": ON_NEW.replace("run(labels", "run(1")},
        "other scores at 20 labels than at 1",
    ),
    (
        "interval-is-right",
        {"report": REPORT.replace("SPLIT", "task.validation") + NARROW},
        "but this one holds 90 %",
    ),
    ("reason-is-right", {"reason": "reason = 'a'"}, "its statistics stand still"),
    ("reason-is-right", {"reason": "reason = 'B'"}, "in lower case"),
]
FINE_TUNING_RIGHT = [
    (
        "loss-is-right",
        {"loss": "def loss_of(o, y): return -o.log_softmax(1)[range(len(y)), y].mean()"},
    ),
    ("frozen-stands-still", {"train-head": NO_STEP.replace("pass", "optimiser.step()")}),
    ("head-learns", {"train-head": NO_STEP.replace("pass", "optimiser.step()")}),
    ("choice-is-honest", {"report": REPORT.replace("SPLIT", "task.validation")}),
    (
        "interval-is-right",
        {
            "report": REPORT.replace("SPLIT", "task.validation")
            + "spread = 1.96 * np.sqrt(score * (1 - score) / 1000)\n"
            + "interval = [score - spread, score + spread]"
        },
    ),
]

# --- The others: in these texts, words in capitals are filled in ---

FEATURES = """
def features_of(net, pictures, stage):
    net.MODE()
    with torch.no_grad():
        maps = net.run(pictures, through=stage)
    return RESULT
"""
READ = """
def read(features, labels, new_features):
    labels = np.asarray(labels)
    far = ((np.asarray(ROWS)[:, None] - np.asarray(features)[None]) ** 2).sum(-1)
    return labels[far.argmin(1)]
"""
STAGES = """
def probe(stage):
    net = tl.load_network("letters-resnet")
    known, new = (tl.extract_features(net, part, stage) for part in (task.train, PART))
    return float((read(known.values, known.targets, new.values) == new.targets).mean())
scores = {stage: probe(stage) for stage in ("stem", "block1", "block2", "block3")}
"""
LOSS = """
def loss_of(kind, outputs, targets):
    if kind == "classification":
        return F.cross_entropy(CLASSES, targets)
    if kind == "multilabel":
        return LABELS
    return ((VALUES - targets) ** 2).mean()
"""


def loss(
    classes="outputs",
    labels="F.binary_cross_entropy(outputs.sigmoid(), targets.float())",
    values="outputs.squeeze(1)",
):
    text = LOSS.replace("CLASSES", classes).replace("LABELS", labels)
    return text.replace("VALUES", values)


TURNED = """
turned = tl.replace_head(tl.load_network("letters-resnet"), angles)
tl.freeze(turned, through="block1")
tl.fit(turned, angles, epochs=6, lr=3e-3, batch_size=16, schedule="one-cycle")
"""
ERROR = TURNED + "error = tl.evaluate(turned, PART).measure('mean absolute error').mean"
STOP = """
def early_stop(losses, patience):
    best, waited = 0, 0
    for at, loss in enumerate(losses):
        if loss < losses[best]:
            best, waited = at, 0
        elif at:
            waited += 1
        if waited == patience:
            break
    return RESULT
"""
PHASES = """
def two_phases(net, pictures, labels, steps):
    for each in net.parameters():
        each.requires_grad_(False)
    net.head.requires_grad_(True)
    MODE
    BUILD
    for phase in range(2):
        if phase:
            first = copy.deepcopy(net)
            net.stages["block3"].requires_grad_(True)
            AGAIN
        for _ in range(steps):
            optimiser.zero_grad()
            F.cross_entropy(net(pictures), labels).backward()
            optimiser.step()
    return first, net
"""


def phases(mode="net.eval()", build="", again=""):
    learning = "torch.optim.AdamW((p for p in net.parameters() if p.requires_grad), lr=1e-2)"
    text = PHASES.replace("MODE", mode).replace("BUILD", build or f"optimiser = {learning}")
    return text.replace("AGAIN", again or f"optimiser = {learning}")


MINE = """
mine = tl.replace_head(tl.load_network("letters-resnet"), few)
tl.freeze(mine, through="block2")
tl.fit(mine, few, epochs=12, lr=1e-2, batch_size=16, schedule="one-cycle")
accuracy = tl.evaluate(mine, PART).score
"""
NORMAL = """
def interval(right, count):
    share = right / count
    reach = FACTOR * np.sqrt(share * (1 - share))
    return share - reach, share + reach
"""
BOOTSTRAP = """
def interval(right, count):
    draws = np.random.default_rng(0).binomial(count + 2, (right + 1) / (count + 2), 4000)
    return tuple(np.quantile(draws / (count + 2), [0.025, 0.975]))
"""
RATES = """
def two_rates(answers, truth, positive):
    called, real = answers == positive, truth == positive
    return FIRST, SECOND
"""
SENSITIVITY, SPECIFICITY = (
    "(called & real).sum() / real.sum()",
    "(~called & ~real).sum() / (~real).sum()",
)
COST = """
def threshold(probabilities, truth, miss, false_alarm):
    def cost(level):
        called = probabilities >= level
        return MISS * ((truth == 1) & ~called).sum() + ALARM * ((truth == 0) & called).sum()
    return min(np.unique(probabilities), key=cost)
"""
CHOOSE = """
def choose_and_report(validation, test):
    chosen = int(CHOICE.mean(axis=1).argmax())
    return chosen, float(REPORT[chosen].mean())
"""
TRAIN_PAIR = """
def train(lr, batch_size):
    task = tl.load_task("handwriting", labels_per_class=5, seed=36)
    net = FROZEN(tl.replace_head(tl.load_network("letters-resnet"), task))
    tl.fit(net, task, epochs=10, lr=RATE, batch_size=SIZE)
    return net
"""


def train_pair(frozen="tl.freeze", rate="lr", size="batch_size"):
    """Question 5 of assignment 5, first part."""
    return TRAIN_PAIR.replace("FROZEN", frozen).replace("RATE", rate).replace("SIZE", size)


def tuned(
    part="few.validation",
    chosen="max(scores, key=scores.get)",
    sits="best",
    exam="few.test.break_seal()",
    score="exam.score",
):
    """Question 5 of assignment 5, second part."""
    return f"""
tried = {{pair: train(*pair) for pair in grid}}
scores = {{pair: tl.evaluate(net, {part}).score for pair, net in tried.items()}}
exams = {{p: tl.evaluate(net, few.test.break_seal()).score for p, net in tried.items()}}
best = {chosen}
exam = tl.evaluate(tried[{sits}], {exam})
score, (low, high) = {score}, exam.interval
report = score, low, high
"""


START = """
def start(copied, classes, seed):
    net = tl.load_network("letters-resnet", WEIGHTS, seed=seed)
    net = tl.replace_head(net, classes)
    return FREEZE
"""
GAIN = """
trained = {}
for name, weights in (("copied", "pretrained"), ("random", "random")):
    trained[name] = tl.replace_head(tl.load_network("letters-resnet", weights), few)
    if name == "copied":
        tl.freeze(trained[name])
    tl.fit(trained[name], few, epochs=25, lr=3e-2 if name == "copied" else 3e-3, batch_size=10)
gain = tl.evaluate(trained["copied"], PART).score - tl.evaluate(trained["random"], PART).score
"""
ADAPT = """
def adapt(net, pictures):
    net = copy.deepcopy(net).eval()
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.train().momentum = MOMENTUM
    with torch.no_grad():
        AGAIN: net(pictures)
    return net.LAST()
"""
ALIGN = """
def align(source, target):
    return (source - source.mean(0)) / source.std(0) * target.std(0) + target.mean(0)
"""
FACTORS = """
def align(source, target):
    first = np.linalg.cholesky(np.cov(source.T) + 1e-6 * np.eye(source.shape[1]))
    second = np.linalg.cholesky(np.cov(target.T) + 1e-6 * np.eye(source.shape[1]))
    return (source - source.mean(0)) @ np.linalg.inv(first).T @ second.T + target.mean(0)
"""
GROUPS = """
from sklearn.cluster import AgglomerativeClustering
features = tl.extract_features(tl.load_network("letters-resnet"), pictures).values
groups = AgglomerativeClustering(COUNT).fit_predict(features)
"""
PIXELS = """
import torch
rows = torch.stack([picture for picture, _ in pictures]).flatten(1).numpy()
groups = tl.cluster(rows, k=10).labels
"""
AGREEMENT = """
def agreement(classes, groups):
    from sklearn import metrics
    return metrics.SCORE(classes, groups)
"""
PURITY = """
def agreement(classes, groups):
    commonest = [np.bincount(classes[groups == name]).max() for name in set(groups.tolist())]
    return sum(commonest) / len(classes)
"""
ALIKE = """
def alike(features, query, count):
    unit = features / np.linalg.norm(features, axis=1)[:, None]
    return SORTED
"""
POOL = """
def sentence_vectors(states, mask):
    return RESULT
"""
CLOSEST = """
def closest(vectors, query):
    values = VALUES
    values[query] = -1e9
    return int(np.argmax(values))
"""


def detour(factor="alpha / r", plain="x @ weight.T"):
    """Question 4 on language, first part."""
    head = "def detour(x, weight, down, up, alpha):\n    r = down.shape[0]\n"
    return f"{head}    return {plain} + {factor} * (x @ (up @ down).T)"


def share(of="weight.size"):
    """Question 4 on language, second part."""
    return f"def learning_share(weight, down, up):\n    return (down.size + up.size) / ({of})"


DIVIDE = """
def divide(reviews, share, seed):
    numbers = np.random.default_rng(SEED)
    return RESULT
"""
TRAIN_OWN = """
def train(folder, copied, seed):
    task = tl.load_task(folder=folder, seed=seed)
    net = tl.replace_head(tl.load_network("letters-resnet", WEIGHTS, seed=seed), task)
    FREEZE
    tl.fit(net, task, epochs=EPOCHS, lr=1e-2, batch_size=16)
    return net
"""


def train_own(weights="'pretrained' if copied else 'random'", freeze="", epochs="6"):
    text = TRAIN_OWN.replace("WEIGHTS", weights).replace("EPOCHS", epochs)
    return text.replace("FREEZE", freeze or "copied and tl.freeze(net, through='block2')")


DESCRIBE = """
def describe(folder, seed):
    task = tl.load_task(folder=folder, seed=seed)
    audit = tl.audit(task)
    return dict(classes=task.classes, train=len(task.train), validation=len(task.validation),
                baseline=BASELINE, overlap=sum(audit.exact.values()) + sum(audit.near.values()))
"""
SHARE = """
def report(right):
    share, spread = np.mean(right), np.std(right) / ROOT
    return {"score": share, "interval": [share - 1.96 * spread, share + 1.96 * spread]}
"""

MISTAKES = [
    *(
        ("2-fine-tuning", check, says, [*answers.values()])
        for check, answers, says in FINE_TUNING_MISTAKES
    ),
    (
        "1-pretraining",
        "features-are-right",
        "every place of the feature maps is there",
        [FEATURES.replace("MODE", "eval").replace("RESULT", "maps.flatten(1)")],
    ),
    (
        "1-pretraining",
        "features-are-right",
        "BatchNorm was in training mode",
        [FEATURES.replace("MODE", "train").replace("RESULT", "maps.mean((2, 3))")],
    ),
    (
        "1-pretraining",
        "reader-reads",
        "there is one for each row that was learned from",
        [READ.replace("ROWS", "features")],
    ),
    (
        "1-pretraining",
        "reader-reads",
        "class numbers as they stand in labels",
        ["def read(features, labels, new): return np.zeros(len(new)) + 77"],
    ),
    (
        "1-pretraining",
        "scores-are-honest",
        "the accuracy on the training set",
        [READ.replace("ROWS", "new_features"), STAGES.replace("PART", "task.train")],
    ),
    (
        "1-pretraining",
        "scores-are-honest",
        "the test set was used to choose",
        [
            READ.replace("ROWS", "new_features"),
            STAGES.replace("PART", "task.test.break_seal()"),
        ],
    ),
    (
        "1-pretraining",
        "scores-are-honest",
        "that your own reader gets",
        [
            READ.replace("ROWS", "new_features"),
            "scores = {'stem': 0.5, 'block1': 0.6, 'block2': 0.7, 'block3': 0.8}",
        ],
    ),
    (
        "1-pretraining",
        "best-follows",
        "the highest of your own scores",
        ["scores, best = {'stem': 0.1, 'block3': 0.9}, 'stem'"],
    ),
    ("1-pretraining", "source-is-right", "another source", ["source = 'a'"]),
    (
        "3-architecture",
        "head-fits",
        "one output for each class",
        ["def with_new_head(net, classes): return net"],
    ),
    (
        "3-architecture",
        "head-fits",
        "these are rows of the old one",
        [
            "def with_new_head(net, classes):\n    net = tl.replace_head(net, classes)\n"
            "    old = tl.load_network('letters-resnet').head.output.weight[:classes]\n"
            "    net.head.output.weight.data = old.detach()\n    return net"
        ],
    ),
    (
        "3-architecture",
        "head-fits",
        "stem to be the copied one",
        [
            "def with_new_head(net, classes):\n"
            "    return tl.replace_head(tl.load_network('letters-resnet', 'random'), classes)"
        ],
    ),
    ("3-architecture", "class-loss", "softmax was taken before it", [loss("outputs.softmax(1)")]),
    (
        "3-architecture",
        "labels-loss",
        "softmax makes them share one whole",
        [loss(labels="F.binary_cross_entropy(outputs.softmax(1), targets)")],
    ),
    (
        "3-architecture",
        "labels-loss",
        "sigmoid was taken twice",
        [loss(labels="F.binary_cross_entropy_with_logits(outputs.sigmoid(), targets)")],
    ),
    (
        "3-architecture",
        "labels-loss",
        "loss_of raised RuntimeError",
        [loss(labels="F.binary_cross_entropy_with_logits(outputs, targets)")],
    ),
    ("3-architecture", "value-loss", "compared with all of them", [loss(values="outputs")]),
    (
        "3-architecture",
        "angle-is-found",
        "everything before the head is frozen",
        [TURNED.replace('"block1"', '"block3"').replace("3e-3", "3e-2")],
    ),
    (
        "3-architecture",
        "angle-is-found",
        "one output",
        ["turned = tl.load_network('letters-resnet')"],
    ),
    (
        "3-architecture",
        "angle-is-found",
        "better angles than the mean",
        ["turned = tl.replace_head(tl.load_network('letters-resnet'), angles)"],
    ),
    (
        "3-architecture",
        "error-is-honest",
        "the error on the training set",
        [ERROR.replace("PART", "angles.train")],
    ),
    (
        "3-architecture",
        "error-is-honest",
        "the test set was used to choose",
        [ERROR.replace("PART", "angles.test.break_seal()")],
    ),
    (
        "3-architecture",
        "error-is-honest",
        "this is the R2",
        [TURNED + "error = tl.evaluate(turned, angles.validation).score"],
    ),
    ("3-architecture", "lost-is-right", "another reason", ["lost = 'd'"]),
    ("4-training", "stops-in-time", "counted from 0", [STOP.replace("RESULT", "at, best")]),
    (
        "4-training",
        "stops-in-time",
        "these are those of the last",
        [STOP.replace("RESULT", "at + 1, at + 1")],
    ),
    (
        "4-training",
        "stops-in-time",
        "to stop once so many epochs",
        [STOP.replace("== patience", "> patience").replace("RESULT", "at + 1, best + 1")],
    ),
    (
        "4-training",
        "stops-in-time",
        "to stop once so many epochs",
        [STOP.replace("loss < losses", "loss <= losses").replace("RESULT", "at + 1, best + 1")],
    ),
    (
        "4-training",
        "rates-fall",
        "the rate of the next stage",
        [
            "def rates(stages, lr, factor):\n    return {name: lr / max(1, factor * at)"
            " for at, name in enumerate(reversed(stages))}"
        ],
    ),
    (
        "4-training",
        "stops-in-time",
        "the lowest loss up to the stop",
        ["def early_stop(losses, patience):\n    return 4, int(np.argmin(losses)) + 1"],
    ),
    (
        "4-training",
        "rates-fall",
        "the first stage does",
        [
            "def rates(stages, lr, factor):\n"
            "    return {name: lr / factor**at for at, name in enumerate(stages)}"
        ],
    ),
    ("4-training", "head-comes-first", "BatchNorm was in training mode", [phases("net.train()")]),
    (
        "4-training",
        "head-comes-first",
        "the parameters of block3 to stand still in the first phase",
        [phases("net.eval().stages['block3'].requires_grad_(True)")],
    ),
    (
        "4-training",
        "head-comes-first",
        "a pair of networks",
        [phases().replace("return first, net", "return net")],
    ),
    ("4-training", "block-follows", "block3 to have learned", [phases(again="pass")]),
    (
        "4-training",
        "block-follows",
        "the head to go on learning",
        [phases(again="optimiser = torch.optim.AdamW(net.stages['block3'].parameters(), lr=1e-3)")],
    ),
    (
        "4-training",
        "block-follows",
        "the parameters of stem",
        [phases(again="optimiser = torch.optim.SGD(net.requires_grad_(True).parameters(), 0.01)")],
    ),
    (
        "4-training",
        "mine-is-good",
        "the accuracy on the training set",
        [MINE.replace("PART", "few.train")],
    ),
    (
        "4-training",
        "mine-is-good",
        "the test set was used to choose",
        [MINE.replace("PART", "few.test.break_seal()")],
    ),
    (
        "4-training",
        "mine-is-good",
        "more than fifty digits teach",
        [
            "from dataclasses import replace\nother = replace(few, train=few.validation)\n"
            + MINE.replace("fit(mine, few, epochs=12", "fit(mine, other, epochs=8").replace(
                "PART", "few.validation"
            )
        ],
    ),
    (
        "4-training",
        "mine-is-good",
        "more than half",
        ["mine, accuracy = tl.replace_head(tl.load_network('letters-resnet'), few), 0.3"],
    ),
    (
        "5-evaluation",
        "interval-is-right",
        "the spread of single answers",
        [NORMAL.replace("FACTOR", "1.96")],
    ),
    (
        "5-evaluation",
        "interval-is-right",
        "one standard error",
        [NORMAL.replace("FACTOR", "count**-0.5")],
    ),
    (
        "5-evaluation",
        "interval-is-right",
        "but this one holds 90 %",
        [NORMAL.replace("FACTOR", "1.645 * count**-0.5")],
    ),
    (
        "5-evaluation",
        "rates-are-right",
        "the specificity second",
        [RATES.replace("FIRST", SENSITIVITY).replace("SECOND", "(answers == truth)[~real].mean()")],
    ),
    (
        "5-evaluation",
        "ends-are-kept",
        "this interval is a point",
        [NORMAL.replace("FACTOR", "1.96 * count**-0.5")],
    ),
    (
        "5-evaluation",
        "rates-are-right",
        "they are exchanged",
        [RATES.replace("FIRST", SPECIFICITY).replace("SECOND", SENSITIVITY)],
    ),
    (
        "5-evaluation",
        "rates-are-right",
        "this is the precision",
        [RATES.replace("FIRST", "real[called].mean()").replace("SECOND", SPECIFICITY)],
    ),
    (
        "5-evaluation",
        "rates-are-right",
        "this is the accuracy",
        [RATES.replace("FIRST", "(answers == truth).mean()").replace("SECOND", SPECIFICITY)],
    ),
    (
        "5-evaluation",
        "threshold-is-cheap",
        "a finite number",
        ["def threshold(*rest): return float('nan')"],
    ),
    (
        "5-evaluation",
        "threshold-is-cheap",
        "this is one half",
        ["def threshold(*rest): return 0.5"],
    ),
    (
        "5-evaluation",
        "threshold-is-cheap",
        "the best accuracy",
        [COST.replace("MISS", "1").replace("ALARM", "1")],
    ),
    (
        "5-evaluation",
        "threshold-is-cheap",
        "the two costs are exchanged",
        [COST.replace("MISS", "false_alarm").replace("ALARM", "miss")],
    ),
    (
        "5-evaluation",
        "choice-is-honest",
        "the test set was used to choose",
        [CHOOSE.replace("CHOICE", "test").replace("REPORT", "test")],
    ),
    (
        "5-evaluation",
        "report-is-honest",
        "this is the validation accuracy",
        [CHOOSE.replace("CHOICE", "validation").replace("REPORT", "validation")],
    ),
    (
        "5-evaluation",
        "train-does-as-told",
        "the stages before the head",
        [train_pair(frozen="")],
    ),
    (
        "5-evaluation",
        "train-does-as-told",
        "another head for another learning rate",
        [train_pair(rate="1e-2")],
    ),
    (
        "5-evaluation",
        "train-does-as-told",
        "another head for another batch size",
        [train_pair(size="10")],
    ),
    (
        "5-evaluation",
        "train-does-as-told",
        "a fair rate learns much and a tiny one next to nothing",
        [train_pair().replace("epochs=10", "epochs=60")],
    ),
    (
        "5-evaluation",
        "train-does-as-told",
        "this one knows more than they teach",
        [train_pair().replace("labels_per_class=5, ", "")],
    ),
    (
        "5-evaluation",
        "grid-is-searched",
        "these are on the training pictures",
        [train_pair(), tuned("few.train")],
    ),
    (
        "5-evaluation",
        "grid-is-searched",
        "the test set was used to choose",
        [train_pair(), tuned("few.test.break_seal()")],
    ),
    (
        "5-evaluation",
        "grid-is-searched",
        "the scores that train finds again",
        [train_pair(), tuned("few.validation[:100]")],
    ),
    (
        "5-evaluation",
        "grid-is-searched",
        "the pair with the highest",
        [train_pair(), tuned(chosen="(1e-3, 50)")],
    ),
    (
        "5-evaluation",
        "grid-is-searched",
        "each of the twelve pairs",
        [train_pair(), tuned() + "scores = {best: scores[best]}"],
    ),
    (
        "5-evaluation",
        "exam-is-sat-once",
        "this is the validation accuracy",
        [train_pair(), tuned(exam="few.validation")],
    ),
    (
        "5-evaluation",
        "exam-is-sat-once",
        "the best of twelve exams",
        [train_pair(), tuned(sits="max(exams, key=exams.get)")],
    ),
    (
        "5-evaluation",
        "exam-is-sat-once",
        "the width that a 95 % interval has",
        [train_pair(), tuned() + "report = score, score - 0.01, score + 0.01"],
    ),
    (
        "5-evaluation",
        "exam-is-sat-once",
        "between the ends",
        [train_pair(), tuned() + "report = low, score, high"],
    ),
    (
        "inductive",
        "types-are-right",
        "another type for plan b",
        ["types = dict(a='inductive', b='inductive', c='unsupervised', d='none')"],
    ),
    (
        "inductive",
        "copied-start-is-frozen",
        "of the copied start to be frozen",
        [START.replace("WEIGHTS", "'pretrained' if copied else 'random'").replace("FREEZE", "net")],
    ),
    (
        "inductive",
        "copied-start-is-frozen",
        "to stay frozen once a training begins",
        [
            START.replace("WEIGHTS", "'pretrained' if copied else 'random'").replace(
                "return FREEZE",
                "for name in net.stage_names[:-1]:\n"
                "        net.stages[name].requires_grad_(not copied)\n    return net",
            )
        ],
    ),
    (
        "inductive",
        "random-start-is-free",
        "another random start for another seed",
        [
            START.replace("WEIGHTS, seed=seed", "'pretrained' if copied else 'random'")
            .replace("net, classes)", "net, classes, seed=seed)")
            .replace("FREEZE", "tl.freeze(net) if copied else net")
        ],
    ),
    (
        "inductive",
        "both-are-trained",
        "but it began with the copied weights",
        [
            GAIN.replace('("random", "random")', '("random", "pretrained")').replace(
                "PART", "few.validation"
            )
        ],
    ),
    (
        "inductive",
        "random-start-is-free",
        "it is random and frozen",
        [
            START.replace("WEIGHTS", "'pretrained' if copied else 'random'").replace(
                "FREEZE", "tl.freeze(net)"
            )
        ],
    ),
    (
        "inductive",
        "random-start-is-free",
        "but it is the copied one",
        [
            START.replace("WEIGHTS", "'pretrained'").replace(
                "FREEZE", "tl.freeze(net) if copied else net"
            )
        ],
    ),
    (
        "inductive",
        "gain-is-honest",
        "this is the one on the training set",
        [GAIN.replace("PART", "few.train")],
    ),
    (
        "inductive",
        "gain-is-honest",
        "the test set was used to choose",
        [GAIN.replace("PART", "few.test.break_seal()")],
    ),
    (
        "inductive",
        "chances-are-equal",
        "the best of all trials was taken",
        ["def fair_best(scores): return {name: max(each) for name, each in scores.items()}"],
    ),
    (
        "transductive",
        "allowed-is-right",
        "with labels of the target it is inductive",
        ["allowed = ['source pictures', 'source labels', 'target pictures', 'target labels']"],
    ),
    (
        "transductive",
        "allowed-is-right",
        "the test set was used to choose",
        ["allowed = ['source labels', 'test score']"],
    ),
    (
        "transductive",
        "statistics-are-the-targets",
        "still a mixture with the source's",
        [ADAPT.replace("MOMENTUM", "0.1").replace("AGAIN", "if True").replace("LAST", "eval")],
    ),
    (
        "transductive",
        "statistics-move",
        "BatchNorm was left in training mode",
        [ADAPT.replace("MOMENTUM", "1.0").replace("AGAIN", "if True").replace("LAST", "train")],
    ),
    (
        "transductive",
        "statistics-move",
        "they have not moved",
        ["def adapt(net, pictures):\n    net.eval()(pictures)\n    return net"],
    ),
    (
        "transductive",
        "statistics-move",
        "some have changed",
        ["def adapt(net, pictures): return tl.load_network('letters-resnet', 'random')"],
    ),
    (
        "transductive",
        "statistics-move",
        "they have not moved",
        [
            ADAPT.replace(".eval()", ".train()")
            .replace("layer.train()", "layer")
            .replace("MOMENTUM", "1.0")
            .replace("AGAIN", "if True")
            .replace("LAST", "eval")
        ],
    ),
    (
        "transductive",
        "statistics-are-the-targets",
        "the target's variances too",
        [
            ADAPT.replace("MOMENTUM", "1.0")
            .replace("AGAIN", "if True")
            .replace(
                "    return net.LAST()",
                "    for layer in list(net.modules())[8:]:\n"
                "        if hasattr(layer, 'running_var'):\n"
                "            layer.running_var.fill_(1.0)\n    return net.eval()",
            )
        ],
    ),
    ("transductive", "shapes-agree", "only the spread of each column agrees", [ALIGN]),
    (
        "transductive",
        "shapes-agree",
        "the target's mean",
        [FACTORS.replace("(source - source.mean(0))", "source")],
    ),
    (
        "transductive",
        "shapes-agree",
        "as many rows as the source has",
        ["def align(source, target): return target"],
    ),
    ("transductive", "hurts-is-right", "another answer", ["hurts = 'a'"]),
    ("unsupervised", "groups-are-found", "ten different groups", [GROUPS.replace("COUNT", "7")]),
    ("unsupervised", "groups-are-found", "groups of pixels", [PIXELS]),
    ("unsupervised", "groups-are-found", "these are the labels", ["groups = pictures.targets"]),
    (
        "unsupervised",
        "agreement-is-fair",
        "this looks like an accuracy",
        [AGREEMENT.replace("SCORE", "accuracy_score")],
    ),
    ("unsupervised", "agreement-is-fair", "flatter this score", [PURITY]),
    (
        "unsupervised",
        "agreement-is-fair",
        "flatter this score",
        [AGREEMENT.replace("SCORE", "normalized_mutual_info_score")],
    ),
    (
        "unsupervised",
        "agreement-is-fair",
        "about 0 for random groups",
        [AGREEMENT.replace("SCORE", "fowlkes_mallows_score")],
    ),
    (
        "unsupervised",
        "neighbours-are-near",
        "the row itself is among them",
        [ALIKE.replace("SORTED", "np.argsort(-(unit @ unit[query]))[:count]")],
    ),
    (
        "unsupervised",
        "neighbours-are-near",
        "these are near in length",
        [
            ALIKE.replace(
                "SORTED",
                "np.argsort(np.linalg.norm(features - features[query], axis=1))[1 : count + 1]",
            )
        ],
    ),
    ("unsupervised", "many-is-right", "another way", ["many = 'a'"]),
    (
        "language",
        "padding-does-not-count",
        "padding was counted too",
        [POOL.replace("RESULT", "states.mean(1)")],
    ),
    (
        "language",
        "padding-does-not-count",
        "it was divided by all places",
        [POOL.replace("RESULT", "(states * mask[..., None]).mean(1)")],
    ),
    (
        "language",
        "padding-does-not-count",
        "this is the first one",
        [POOL.replace("RESULT", "states[:, 0]")],
    ),
    (
        "language",
        "closest-is-found",
        "the largest product",
        [CLOSEST.replace("VALUES", "vectors @ vectors[query]")],
    ),
    (
        "language",
        "closest-is-found",
        "the smallest distance",
        [CLOSEST.replace("VALUES", "-np.linalg.norm(vectors - vectors[query], axis=1)")],
    ),
    (
        "language",
        "reviews-stay-whole",
        "some stand on both",
        [DIVIDE.replace("SEED", "seed").replace("RESULT", "numbers.random(len(reviews)) < share")],
    ),
    (
        "language",
        "reviews-stay-whole",
        "another division for another seed",
        [DIVIDE.replace("SEED", "0").replace("RESULT", "reviews < share * (reviews.max() + 1)")],
    ),
    (
        "language",
        "reviews-stay-whole",
        "as many reviews as are the share",
        [
            DIVIDE.replace("SEED", "seed").replace(
                "RESULT",
                "np.isin(reviews, [r for r in np.unique(reviews) if numbers.random() < share])",
            )
        ],
    ),
    (
        "language",
        "reviews-stay-whole",
        "some stand on both",
        [
            DIVIDE.replace("SEED", "seed").replace(
                "RESULT",
                "np.repeat(numbers.permutation(-(-len(reviews) // 5)) < share * len(reviews) / 5,"
                " 5)[: len(reviews)]",
            )
        ],
    ),
    ("language", "first-is-right", "another check", ["first = 'd'"]),
    ("language", "detour-is-added", "added as it is", [detour("1")]),
    ("language", "detour-is-added", "multiplied by alpha", [detour("alpha")]),
    ("language", "detour-is-added", "the detour alone", [detour(plain="0")]),
    (
        "language",
        "detour-is-added",
        "as wide as the layer's outputs",
        [detour(plain="(x @ weight.T)[:, :1]") + "[:, :1]"],
    ),
    ("language", "detour-is-added", "the scaled detour added", [detour("r / alpha")]),
    (
        "language",
        "share-is-small",
        "table and detour",
        [share("weight.size + down.size + up.size")],
    ),
    ("language", "share-is-small", "both thin tables", [share("2 * weight.size")]),
    (
        "capstone",
        "task-is-described",
        "the accuracy of a constant guess",
        [DESCRIBE.replace("BASELINE", "0.1")],
    ),
    (
        "capstone",
        "task-is-described",
        "the accuracy of a constant guess",
        [DESCRIBE.replace("BASELINE", "1 / len(task.classes)")],
    ),
    (
        "capstone",
        "rival-is-real",
        "this one has hardly learned",
        [train_own(epochs="6 if copied else 1").replace("lr=1e-2", "lr=1e-2 if copied else 1e-6")],
    ),
    (
        "capstone",
        "score-has-an-interval",
        "nine of ten",
        [SHARE.replace("ROOT", "len(right)**0.5").replace("1.96", "1.645")],
    ),
    (
        "capstone",
        "score-has-an-interval",
        "the width that a 95 % interval has",
        [SHARE.replace("ROOT", "len(right)**0.5").replace("1.96", "3.92")],
    ),
    (
        "capstone",
        "task-is-described",
        "the pictures of the training and of the validation part",
        [
            "def describe(folder, seed):\n"
            "    return dict(classes=['kind-1', 'kind-4', 'kind-7'], train=41, validation=-9,\n"
            "                baseline=0.4, overlap=0)"
        ],
    ),
    (
        "capstone",
        "training-works",
        "most pictures",
        [
            "def train(folder, copied, seed):\n"
            "    return tl.replace_head(tl.load_network('letters-resnet'), 3, seed=4)"
        ],
    ),
    ("capstone", "rival-is-real", "it starts from the copied ones", [train_own("'pretrained'")]),
    ("capstone", "rival-is-real", "it is random and frozen", [train_own(freeze="tl.freeze(net)")]),
    (
        "capstone",
        "score-has-an-interval",
        "narrows with more pictures",
        [SHARE.replace("ROOT", "1")],
    ),
    (
        "capstone",
        "score-has-an-interval",
        "19 of 20 cases",
        [SHARE.replace("ROOT", "len(right)**0.5").replace("1.96", "1")],
    ),
]

RIGHT = [
    *(("2-fine-tuning", check, [*answers.values()]) for check, answers in FINE_TUNING_RIGHT),
    (
        "1-pretraining",
        "features-are-right",
        [FEATURES.replace("MODE", "eval").replace("RESULT", "maps.flatten(2).mean(-1).tolist()")],
    ),
    ("1-pretraining", "reader-reads", [READ.replace("ROWS", "new_features")]),
    (
        "1-pretraining",
        "scores-are-honest",
        [READ.replace("ROWS", "new_features"), STAGES.replace("PART", "task.validation")],
    ),
    (
        "3-architecture",
        "head-fits",
        ["def with_new_head(n, c): return tl.replace_head(n, c, seed=9)"],
    ),
    (
        "3-architecture",
        "head-fits",
        ["def with_new_head(n, c): return tl.replace_head(n, c, hidden=8)"],
    ),
    ("3-architecture", "labels-loss", [loss()]),
    ("3-architecture", "value-loss", [loss()]),
    ("3-architecture", "error-is-honest", [ERROR.replace("PART", "angles.validation")]),
    ("4-training", "stops-in-time", [STOP.replace("RESULT", "at + 1, best + 1")]),
    ("4-training", "head-comes-first", [phases()]),
    ("4-training", "block-follows", [phases()]),
    ("4-training", "mine-is-good", [MINE.replace("PART", "few.validation")]),
    ("5-evaluation", "interval-is-right", [NORMAL.replace("FACTOR", "1.96 * count**-0.5")]),
    ("5-evaluation", "interval-is-right", [BOOTSTRAP]),
    ("5-evaluation", "ends-are-kept", [BOOTSTRAP]),
    (
        "5-evaluation",
        "report-is-honest",
        [
            CHOOSE.replace("CHOICE", "validation")
            .replace("float(REPORT", "round(test")
            .replace(".mean())\n", ".mean(), 4)\n")
        ],
    ),
    (
        "5-evaluation",
        "threshold-is-cheap",
        [COST.replace("MISS", "miss").replace("ALARM", "false_alarm")],
    ),
    ("5-evaluation", "train-does-as-told", [train_pair()]),
    ("5-evaluation", "grid-is-searched", [train_pair(), tuned()]),
    ("5-evaluation", "exam-is-sat-once", [train_pair(), tuned(score="round(exam.score, 3)")]),
    ("inductive", "both-are-trained", [GAIN.replace("PART", "few.validation")]),
    ("inductive", "gain-is-honest", [GAIN.replace("PART", "few.validation")]),
    (
        "transductive",
        "statistics-move",
        [
            ADAPT.replace("MOMENTUM", "0.5")
            .replace("AGAIN", "for _ in range(9)")
            .replace("LAST", "eval")
        ],
    ),
    (
        "transductive",
        "statistics-are-the-targets",
        [
            ADAPT.replace("MOMENTUM", "0.5")
            .replace("AGAIN", "for _ in range(9)")
            .replace("LAST", "eval")
        ],
    ),
    ("transductive", "shapes-agree", [FACTORS]),
    ("unsupervised", "groups-are-found", [GROUPS.replace("COUNT", "10")]),
    (
        "unsupervised",
        "agreement-is-fair",
        [AGREEMENT.replace("SCORE", "adjusted_mutual_info_score")],
    ),
    (
        "unsupervised",
        "neighbours-are-near",
        [
            ALIKE.replace(
                "SORTED",
                "[i for i in np.argsort(unit @ unit[query])[::-1] if i != query][:count]",
            )
        ],
    ),
    (
        "language",
        "padding-does-not-count",
        [POOL.replace("RESULT", "[rows[keep > 0].mean(0) for rows, keep in zip(states, mask)]")],
    ),
    ("language", "detour-is-added", [detour()]),
    ("language", "detour-is-added", [detour().replace("return x", "return alpha / r * 0 + x")]),
    ("language", "share-is-small", [share()]),
    ("capstone", "training-works", [train_own()]),
    ("capstone", "rival-is-real", [train_own(epochs="6 if copied else 20")]),
    ("capstone", "score-has-an-interval", [SHARE.replace("ROOT", "len(right)**0.5")]),
    (
        "capstone",
        "task-is-described",
        [
            DESCRIBE.replace(
                "BASELINE", "np.bincount(task.validation.targets).max() / len(task.validation)"
            )
        ],
    ),
]
