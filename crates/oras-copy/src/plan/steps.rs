use std::collections::HashMap;

use oras_content::Descriptor;

use super::{Plan, PlannedAction};
use crate::engine::{Inspection, Key, Link, key};

/// What a plan says about each node.
#[derive(Debug)]
pub(crate) struct Steps(HashMap<Key, Inspection>);

impl Steps {
    pub(crate) fn new(plan: &Plan) -> Self {
        let successors = |positions: &[usize]| {
            let nodes = positions.iter().filter_map(|position| plan.nodes.get(*position));
            let there = nodes.filter(|node| node.action != PlannedAction::Absent);
            there.map(|node| Link { desc: node.descriptor.clone(), is_weak: false }).collect()
        };
        let steps = plan.nodes.iter().map(|node| {
            let inspection = Inspection {
                exists: node.action == PlannedAction::Skip,
                successors: successors(&node.successors),
                ..Inspection::default()
            };
            (key(&node.descriptor), inspection)
        });
        Self(steps.collect())
    }

    pub(crate) fn of(&self, desc: &Descriptor) -> Option<&Inspection> {
        self.0.get(&key(desc))
    }
}
