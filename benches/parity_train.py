"""Fine-tunes the same classifier as `nines` in PyTorch, float32, on the same rows, folds, batches
and first weights, and writes out-of-fold scores in the same format.

Input is the folder that `nines_train::export::export_folds` writes (rows.jsonl, recipe.json,
fold-K.json, initial/). The recipe is repeated, not the code: BertForSequenceClassification of
transformers, torch.optim.AdamW, BCEWithLogitsLoss with a positive weight, clip_grad_norm_.

    python benches/parity_train.py EXPORT OUT            # all folds; a finished fold is kept
    python benches/parity_train.py EXPORT OUT --fold 0 --trace 20 --no-dropout

With --trace N the first N updates of a fold are made and each loss and gradient norm is written to
OUT/trace-K.jsonl, to be laid beside the curves of the same updates in `nines`.
"""

import argparse
import hashlib
import json
import os
import time
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def read_jsonl(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_whole(path, lines):
    partial = path.with_name(path.name + ".partial")
    with open(partial, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


class Twin:
    """One fold's model, rows and optimiser."""

    def __init__(self, export, fold, dropout):
        self.rows = read_jsonl(export / "rows.jsonl")
        self.recipe = json.loads((export / "recipe.json").read_text())["config"]
        self.plan = json.loads((export / f"fold-{fold}.json").read_text())
        torch.manual_seed(self.recipe["seed"])
        tokenizer = AutoTokenizer.from_pretrained(export / "initial", split_special_tokens=True)
        encoded = tokenizer(
            [row["prompt"] for row in self.rows],
            [row["completion"] for row in self.rows],
            truncation=False,
            padding=False,
            return_token_type_ids=True,
        )
        self.ids, self.types = encoded["input_ids"], encoded["token_type_ids"]
        options = {}
        dropout = self.recipe["dropout"] if dropout is None else dropout
        if dropout is not None:
            options = dict.fromkeys(
                ["hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"],
                dropout,
            )
        self.model = AutoModelForSequenceClassification.from_pretrained(
            export / "initial", dtype=torch.float32, **options
        )
        longest = max(map(len, self.ids))
        window = self.model.config.max_position_embeddings
        if longest > window:
            raise SystemExit(f"a row has {longest} tokens, the window is {window}")
        plain = ("bias", "LayerNorm.weight")
        named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]

        def group(head, decays):
            params = [
                p
                for n, p in named
                if (n.startswith("classifier") or ".pooler." in n) == head
                and n.endswith(plain) != decays
            ]
            decay = self.recipe["weight_decay"] if decays else 0.0
            rate = self.recipe["head_rate"] if head else 1.0
            return {"params": params, "weight_decay": decay, "rate": rate}

        self.optimiser = torch.optim.AdamW(
            [group(head, decays) for head in (False, True) for decays in (False, True)],
            betas=tuple(self.recipe["betas"]),
            eps=self.recipe["epsilon"],
        )
        weight = torch.tensor(self.plan["positive_weight"])
        self.loss = torch.nn.BCEWithLogitsLoss(pos_weight=weight)

    def of_role(self, letter):
        return [row for row, role in enumerate(self.plan["roles"]) if role == letter]

    def logits(self, rows):
        width = max(len(self.ids[row]) for row in rows)
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        types, mask = torch.zeros_like(ids), torch.zeros_like(ids)
        for place, row in enumerate(rows):
            length = len(self.ids[row])
            ids[place, :length] = torch.tensor(self.ids[row])
            types[place, :length] = torch.tensor(self.types[row])
            mask[place, :length] = 1
        return self.model(input_ids=ids, token_type_ids=types, attention_mask=mask).logits[:, 0]

    def labels(self, rows):
        return torch.tensor([float(self.rows[row]["label"]) for row in rows])

    def update(self, step, rows):
        """One update; returns its loss and gradient norm."""
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan["learning_rates"][step - 1] * group["rate"]
        loss = self.loss(self.logits(rows), self.labels(rows))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe["clip_norm"])
        self.optimiser.step()
        return loss.item(), norm.item()

    @torch.no_grad()
    def scores(self, rows, batch=32):
        self.model.eval()
        order = sorted(rows, key=lambda row: len(self.ids[row]))
        found = {}
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            found.update(zip(part, self.logits(part).tolist()))
        return [found[row] for row in rows]

    def batches(self):
        return [rows for epoch in self.plan["batches"] for rows in epoch]

    def validation_loss(self):
        rows = self.of_role("v")
        return self.loss(torch.tensor(self.scores(rows)), self.labels(rows)).item()


def train_fold(export, fold):
    twin = Twin(export, fold, None)
    evaluate_after = set(twin.plan["evaluate_after"])
    patience = twin.recipe["patience"]
    best, best_state, waited = float("inf"), None, 0
    started = time.monotonic()
    for step, rows in enumerate(twin.batches(), 1):
        loss, norm = twin.update(step, rows)
        if step not in evaluate_after:
            continue
        validation = twin.validation_loss()
        print(f"fold {fold} step {step}: training {loss:.4f} norm {norm:.2f} validation {validation:.4f} "
              f"({time.monotonic() - started:.0f} s)", flush=True)
        if validation < best:
            best, waited = validation, 0
            best_state = {n: p.detach().clone() for n, p in twin.model.state_dict().items()}
        else:
            waited += 1
            if patience is not None and waited >= patience:
                break
    twin.model.load_state_dict(best_state)
    rows = twin.of_role("h")
    return [
        {
            "snippet": twin.rows[row]["snippet"],
            "family": twin.rows[row]["family"],
            "source": twin.rows[row]["source"],
            "broad": twin.rows[row]["label"],
            "random": twin.rows[row]["random"],
            "fold": fold,
            "score": score,
        }
        for row, score in zip(rows, twin.scores(rows))
    ]


def finished(export, out, fold):
    """Where a fold's scores are kept: under another name when rows, recipe or plan are others."""
    digest = hashlib.sha256()
    for name in ["recipe.json", "rows.jsonl", f"fold-{fold}.json", "initial/model.safetensors"]:
        digest.update((export / name).read_bytes())
    return out / f"fold-{fold}-{digest.hexdigest()[:12]}.jsonl"


def trace(export, out, fold, updates, dropout):
    twin = Twin(export, fold, dropout)
    lines = []
    for step, rows in enumerate(twin.batches()[:updates], 1):
        loss, norm = twin.update(step, rows)
        lines.append({"step": step, "loss": loss, "gradient_norm": norm})
        print(f"step {step}: loss {loss:.6f} norm {norm:.5f}", flush=True)
    write_whole(out / f"trace-{fold}.jsonl", lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fold", type=int, help="this fold only")
    parser.add_argument("--trace", type=int, metavar="N", help="make N updates and write their losses")
    parser.add_argument("--no-dropout", action="store_true", help="with --trace: dropout 0")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    folds = json.loads((options.export / "recipe.json").read_text())["folds"]
    chosen = range(folds) if options.fold is None else [options.fold]
    if options.trace:
        for fold in chosen:
            dropout = 0.0 if options.no_dropout else None
            trace(options.export, options.out, fold, options.trace, dropout)
        return
    for fold in chosen:
        path = finished(options.export, options.out, fold)
        if not path.exists():
            write_whole(path, train_fold(options.export, fold))
    paths = [finished(options.export, options.out, fold) for fold in range(folds)]
    if all(path.exists() for path in paths):
        scores = [line for path in paths for line in read_jsonl(path)]
        write_whole(options.out / "out_of_fold.jsonl", sorted(scores, key=lambda s: s["snippet"]))


if __name__ == "__main__":
    main()
