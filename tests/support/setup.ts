// Owns what holds for every test file: property tests draw the same cases each time, so that green stays green. FC_SEED
// draws others: `FC_SEED=$RANDOM make test`.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20261122) });
