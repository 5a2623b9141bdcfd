/// Which of several containers a question is about.
extension Scenario {
    /// The container that a party belongs to: that which has the service, or one of its children, else the container of that name.
    public func member(of party: Party) -> Int? {
        guard case .service(let name) = party else { return nil }
        let service = name.split(separator: ".", maxSplits: 1).first.map(String.init) ?? name
        return members.firstIndex { member in member.scenario.services.contains { $0.name == service } }
            ?? members.firstIndex { $0.name == name }
    }

    /// What a party of the whole is called in its container: a container's own name means its PID 1.
    public func party(_ party: Party, inMember place: Int) -> Party {
        guard case .service(let name) = party, members[place].name == name else { return party }
        return members[place].scenario.services.contains { $0.name == name } ? party : .initProcess
    }

    /// What a question about several containers asks of one of them; nil: nothing.
    public func question(_ condition: Condition, ofMember place: Int) -> Condition? {
        func own(_ parties: [Party]) -> [Party] {
            parties.filter { member(of: $0) == place }.map { party($0, inMember: place) }
        }
        func some(_ parties: [Party], _ make: ([Party]) -> Condition) -> Condition? {
            let parties = own(parties)
            return parties.isEmpty ? nil : make(parties)
        }
        switch condition {
        case .ready(let parties): return some(parties, Condition.ready)
        case .receivedNothing(let parties): return some(parties, Condition.receivedNothing)
        case .killed(let parties): return some(parties, Condition.killed)
        case .received(let parties, let signal, let times, let sender):
            let sender = sender.map { party($0, inMember: place) }
            return some(parties) { .received($0, signal, times: times, from: sender) }
        case .stopped(let first, let second):
            let parties = own([first, second])
            return parties.count == 2 ? .stopped(parties[0], before: parties[1]) : nil
        // What is asked of the whole and refused is noted of each.
        case .refused: return condition
        case .nobodyKilled, .noServiceKilled, .zombies(0, orMore: false), .noProcessesLeft:
            return condition
        default: return nil
        }
    }

    /// The two containers whose ends a question compares; nil: it is about one.
    public func compared(by condition: Condition) -> (first: (place: Int, Party), second: (place: Int, Party))? {
        guard case .stopped(let first, let second) = condition, let one = member(of: first),
            let other = member(of: second), one != other
        else { return nil }
        return ((one, party(first, inMember: one)), (other, party(second, inMember: other)))
    }
}
