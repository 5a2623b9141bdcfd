import Model
import Vocabulary

/// What may be wrong with several containers.
extension ScenarioCheck {
    mutating func members() {
        guard let firstMember = scenario.members.first else { return }
        if let runtime = scenario.runtime, runtime != .compose, runtime != .kubernetes {
            note(
                .conflict, "\(runtime.rawValue) drives one container; compose and kubernetes drive several",
                at: firstMember.place, about: firstMember.name)
        } else if scenario.runtime == nil, isWhole {
            note(
                .incomplete, "say whose rules several containers go by: 'runtime compose' or 'runtime kubernetes'",
                at: firstMember.place, about: firstMember.name)
        }
        for service in scenario.services {
            note(
                .conflict, "where there are several containers a service belongs to one of them", at: service.place,
                about: service.name)
        }
        if scenario.settings != ContainerSettings() || scenario.healthCheck != nil || scenario.hasNoHealthCheck
            || scenario.stop.hook != nil
            || scenario.startHook != nil
        {
            note(
                .conflict, "where there are several containers each has its own settings: write them in its block",
                at: scenario.place)
        }
        duplicates(scenario.members.map { ($0.name, $0.place) }) { "there is a container '\($0)' already" }
        for member in scenario.members { check(member) }
        for member in dependencyCycle() {
            note(
                .cycle, "'\(member.name)' depends on itself, through others", at: member.place, about: member.name)
        }
        sharedVolumes()
        ofRuntime(firstMember.place)
        duplicates(scenario.members.flatMap(\.scenario.services).map { ($0.name, $0.place) }) {
            "there is a service '\($0)' in another container"
        }
    }

    /// One name is one volume, in whichever containers it is.
    mutating func sharedVolumes() {
        var known: [String: Volume] = [:]
        for volume in scenario.members.flatMap(\.scenario.settings.volumes) {
            guard var other = known[volume.name] else {
                known[volume.name] = volume
                continue
            }
            let place = other.place
            other.path = volume.path
            if other != volume {
                note(
                    .conflict, "the volume '\(volume.name)' is another in another container", at: volume.place,
                    about: volume.name, notes: [.init("it is set here", at: place)])
            }
        }
    }

    /// What belongs to the whole, and what to each.
    mutating func ofRuntime(_ place: SourcePlace) {
        if scenario.runtime == .compose, scenario.restart != .no {
            note(
                .conflict, "in a project each container has its own restart policy", at: scenario.place,
                about: "restart policy", isSetup: true)
        }
        guard scenario.runtime == .kubernetes else { return }
        for member in scenario.members {
            if member.scenario.restart != .no {
                note(
                    .conflict, "a pod has one restart policy: write it above its containers", at: member.place,
                    about: member.name)
            }
            if member.scenario.settings.hostname != nil {
                note(.conflict, "the containers of a pod have one host name", at: member.place, about: member.name)
            }
        }
        if isWhole, !scenario.members.contains(where: { $0.role == .main }) {
            note(.incomplete, "a pod has at least one 'container' besides these", at: place)
        }
    }

    mutating func check(_ member: Member) {
        var own = member.scenario
        own.runtime = scenario.runtime
        var check = ScenarioCheck(own, isWhole: isWhole)
        check.services()
        check.settings()
        problems += check.problems
        if isWhole, own.services.isEmpty, own.settings.payload == nil, own.settings.image == nil {
            note(
                .incomplete, "'\(member.name)' has neither a service, a command nor an image to start",
                at: member.place,
                about: member.name)
        }
        if member.role != .main, scenario.runtime == .compose {
            note(
                .conflict, "compose has no \(member.role.rawValue)s: they are a pod's", at: member.place,
                about: member.name)
        }
        if !member.dependencies.isEmpty, scenario.runtime == .kubernetes {
            note(
                .conflict, "the containers of a pod depend on nothing: an 'init container' comes before them",
                at: member.place, about: member.name)
        }
        for dependency in member.dependencies {
            guard let other = scenario.members.first(where: { $0.name == dependency.name }) else {
                note(
                    .unknownService, "'\(dependency.name)' is no container of this scenario", at: member.place,
                    about: member.name,
                    suggestion: nearest(
                        to: dependency.name, among: scenario.members.map(\.name).filter { $0 != member.name }))
                continue
            }
            if dependency.condition == .healthy, !other.scenario.mayHaveHealthCheck, isWhole {
                note(
                    .undecidable,
                    "'\(member.name)' waits for '\(other.name)' to be healthy, which has no 'health check'",
                    at: member.place, about: member.name)
            }
        }
    }

    /// The containers that wait for themselves.
    func dependencyCycle() -> [Member] {
        var placed: Set<String> = []
        var rest = scenario.members
        while let index = rest.firstIndex(where: { member in
            member.dependencies.allSatisfy { dependency in
                placed.contains(dependency.name) || !scenario.members.contains { $0.name == dependency.name }
            }
        }) {
            placed.insert(rest.remove(at: index).name)
        }
        // Of those that are left some only wait for such a circle: who follows what each waits for gets into it.
        guard var next = rest.first else { return [] }
        var path: [String] = []
        while !path.contains(next.name) {
            path.append(next.name)
            guard let dependency = next.dependencies.first(where: { other in rest.contains { $0.name == other.name } }),
                let member = rest.first(where: { $0.name == dependency.name })
            else { return [] }
            next = member
        }
        return [next]
    }

    /// The steps in the block of one container, as if it were alone.
    mutating func within(_ name: String, _ inner: [Step], _ step: Step, _ past: inout Past) {
        guard let member = scenario.members.first(where: { $0.name == name }) else {
            return note(
                .unknownService,
                scenario.members.isEmpty
                    ? "this scenario has one container: what happens in it needs no block"
                    : "'\(name)' is no container of this scenario", at: step.place, about: name,
                suggestion: nearest(to: name, among: scenario.members.map(\.name)))
        }
        var own = member.scenario
        own.runtime = scenario.runtime
        own.isLiveRestored = scenario.isLiveRestored
        // By its pod's policy, or since it is a sidecar.
        if own.restart == .no { own.restart = member.role == .sidecar ? .always : scenario.restart }
        ofOne(inner)
        own.steps = inner.filter { if case .within = $0.action { false } else { true } }
        var check = ScenarioCheck(own, isWhole: isWhole)
        // What is so of one container is not so of the others.
        var ownPast = past
        (ownPast.pausedAt, ownPast.hasExecuted) = (pausedMembers[name], executedMembers.contains(name))
        ownPast.hasOrphans = past.hasOrphans || check.makesOrphans
        check.steps(own.steps, &ownPast)
        problems += check.problems
        pausedMembers[name] = ownPast.pausedAt
        if ownPast.hasExecuted { executedMembers.insert(name) }
        (ownPast.pausedAt, ownPast.hasExecuted) = (past.pausedAt, past.hasExecuted)
        past = ownPast
    }

    /// What cannot be done to one of several containers.
    mutating func ofOne(_ steps: [Step]) {
        for step in steps {
            switch step.action {
            case .within: note(.impossible, "this is in one container already", at: step.place)
            case .sweep, .atEvent:
                note(.impossible, "this is about a scenario of one container", at: step.place)
            case _ where scenario.runtime == .kubernetes && step.isOfPod:
                note(
                    .impossible, "kubernetes starts, stops and deletes pods, not one of their containers",
                    at: step.place)
            default: ofOne(step.action.block ?? [])
            }
        }
    }

    /// What cannot be done to several containers, and what cannot be asked of them.
    mutating func ofSeveral(_ step: Step) {
        switch step.action {
        case .start, .stop, .restart, .down, .wait, .repeated, .within, .signal(_, to: .service), .crash, .orphan:
            return
        case .expect, .waitFor:
            guard let condition = step.condition, condition.kind != .refused else { return }
            let isAbout =
                scenario.compared(by: condition) != nil
                || scenario.members.indices.contains { scenario.question(condition, ofMember: $0) != nil }
            let isOfInit = condition.parties.contains(.initProcess) && scenario.compared(by: condition) == nil
            if isAbout && !isOfInit
                || condition.parties.contains(where: { scenario.member(of: $0) == nil && $0 != .initProcess })
            {
                return
            }
        case .beginStart, .beginStop, .beginRestart, .dropClient:
            return note(.impossible, "what is asked of several containers is waited for", at: step.place)
        default: break
        }
        note(.undecidable, "of which container? write it in a block 'in NAME'", at: step.place)
    }
}
