#!/usr/bin/env python3
"""Make the directory of Northwind, an imaginary company, and a week of its life.

    python3 make.py            write northwind.json and week.json beside this file
    python3 make.py --check    compare them with what would be written

The same output every time: names and numbers come from a fixed seed, ids from
names. Standard library only. Nobody here exists; the domain is reserved.
"""

import json
import random
import re
import sys
import unicodedata
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOMAIN = "northwind.example"
SPACE = uuid.uuid5(uuid.NAMESPACE_DNS, DOMAIN)
ROLES = ("user", "guest_collaborator", "billing_manager", "enterprise_owner")

# Given names and family names, by where people (or their parents) come from.
NAMES = [
    ("Ada Chinedu Ngozi Emeka Ifeoma Tunde Yewande Obinna Folake Kelechi Amara Segun",
     "Okafor Adeyemi Nwosu Balogun Eze Okonkwo Adebayo Obi Olawale Chukwu Afolabi Ibekwe"),
    ("José Lucía Álvaro Inés Joaquín Sofía Martín Núria Raúl Begoña Andrés Ximena",
     "Peña García Muñoz Ibáñez Gutiérrez Núñez Ordóñez Castaño Fernández Vázquez Rincón Salcedo"),
    ("João Inês Gonçalo Beatriz Tomé Conceição Rui Luísa Vitória Caio Débora Thiago",
     "Gonçalves Araújo Simões Magalhães Ferreira Assunção Carvalho Guimarães Brandão Falcão Teixeira Moura"),
    ("Zoë Lukas Jürgen Katrin Björn Anneliese Matthias Käthe Florian Sabine Götz Heike",
     "Müller Schäfer Groß Brandt Köhler Weiß Lindemann Jäger Krüger Vogt Böhm Hartwig"),
    ("Haruto Yuki Sakura Kenji Aiko Daichi Naomi Ren Hana Takumi Emi Shinji",
     "Takahashi Watanabe Kobayashi Nakamura Yoshida Matsumoto Inoue Shimizu Hayashi Fujimoto Okada Morita"),
    ("Minh Lan Tuấn Hương Đức Thảo Quang Mai Hải Ngọc Bảo Linh",
     "Nguyễn Trần Phạm Hoàng Võ Đặng Bùi Dương Huỳnh Lê Đỗ Vũ"),
    ("Priya Arjun Kavya Rohan Ananya Vikram Meera Sanjay Divya Nikhil Lakshmi Imran",
     "Raghunathan Iyer Banerjee Chatterjee Deshpande Kulkarni Menon Sharma Qureshi Patel Reddy Bhattacharya"),
    ("Zofia Łukasz Małgorzata Paweł Agnieszka Michał Bożena Wojciech Kasia Grzegorz Ewa Stanisław",
     "Nowak Wiśniewski Wójcik Kamiński Zieliński Dąbrowski Kozłowski Jabłoński Mazur Król Łukasik Gołąb"),
    ("Søren Åsa Bjørn Freja Øystein Linnéa Magnus Sigrún Ragnar Tuulikki Jørgen Þóra",
     "Lindqvist Sørensen Åkesson Bjørnstad Håkansson Virtanen Kjær Ødegård Mäkinen Þorsteinsdóttir Nyström Dahl"),
    ("Aoife Seán Niamh Ciarán Rhys Siân Fiona Callum Harriet Oliver Róisín Gethin",
     "O'Brien Murphy MacLeod Llewellyn Ó'Súilleabháin Byrne Campbell Ashworth Whitfield Fitzgerald Pritchard Hughes"),
    ("Chloé François Hélène Gaël Amélie Benoît Maëlle Rémi Noémie Loïc Geneviève Étienne",
     "Lefèvre Moreau Dubois Côté Besançon Gagné Marchand Béranger Rousseau Pelletier Tremblay d'Aubigné"),
    ("Mehmet Ayşe Çağla Emre Işıl Kerem Şebnem Ozan Gülşen Barış Defne Yiğit",
     "Yılmaz Öztürk Çelik Şahin Kılıç Aydın Doğan Güneş Koç Arslan Erdoğdu Taş"),
    ("Yasmin Omar Layla Tariq Nadia Khalid Salma Youssef Rania Hassan Amina Faris",
     "Haddad Mansour El-Sayed Khoury Rahman Farouk Nasser Benali Saleh Aziz Darwish Zidane"),
    ("Mei Wei Xiuying Jun Lili Hao Yan Zihan Jiahui Bo Fang Tao",
     "Zhang Chen Huang Zhao Liu Ouyang Lin Xu Sun Gao Zheng Tang"),
    ("Jisoo Minjun Seoyeon Hyunwoo Eunji Dongha Soomin Taeyang Yuna Jaewon Haneul Sora",
     "Kim Park Choi Jung Kang Yoon Jang Lim Han Seo Shin Kwon"),
    ("Ștefan Elena Andrei Ioana Bogdan Mădălina Răzvan Ileana Mihai Crina Vlad Doina",
     "Popescu Ionescu Țurcanu Brâncuși Stănescu Munteanu Văcărescu Dumitru Rădulescu Lupu Șerban Albu"),
    ("Jakub Tereza Ondřej Božena Matěj Kateřina Milan Željka Dušan Živa Nikola Radoš",
     "Novák Dvořák Černý Procházka Horváth Kovačević Đorđević Šimić Kučera Marić Žižka Petrović"),
    ("Kwame Efua Thandiwe Sipho Wanjiru Baraka Zanele Kofi Amahle Jabari Nia Tendai",
     "Mensah Dlamini Kamau Ndlovu Mwangi Asante Khumalo Otieno Boateng Moyo Wekesa Nkosi"),
    ("Maya Ethan Grace Marcus Naomi Tyler Jasmine Caleb Leilani Dwayne Hannah Keoni",
     "Washington Johnson Begay Kealoha Bennett Freeman Sullivan Carter Whitehorse Delacroix Reyes Brooks"),
    ("Ixchel Mateo Nayeli Santiago Itzel Tomás Valentina Emiliano Camila Joaquina Diego Ainhoa",
     "Quintero|de la Cruz|Mamani|Quispe|Velásquez|Domínguez|Zúñiga|Bermúdez|Chávez|Etxeberria|Del Río|Huamán"),
]

# Department: people, what its staff are called (the first is who leads people).
DEPARTMENTS = {
    "Engineering": (400, ["Engineering Manager", "Software Engineer", "Senior Software Engineer", "Staff Engineer", "Site Reliability Engineer", "Test Engineer"]),
    "Sales": (130, ["Sales Manager", "Account Executive", "Sales Engineer", "Sales Development Representative"]),
    "Customer Support": (110, ["Support Manager", "Support Specialist", "Technical Support Engineer"]),
    "Product": (60, ["Group Product Manager", "Product Manager", "Product Analyst"]),
    "Marketing": (60, ["Marketing Manager", "Content Strategist", "Campaign Specialist"]),
    "Finance": (45, ["Finance Manager", "Accountant", "Financial Analyst"]),
    "Information Technology": (42, ["IT Manager", "Systems Administrator", "Identity Engineer", "Service Desk Analyst"]),
    "Design": (40, ["Design Manager", "Product Designer", "Design Researcher"]),
    "Operations": (40, ["Operations Manager", "Logistics Coordinator", "Facilities Coordinator"]),
    "People": (35, ["People Manager", "Recruiter", "People Partner"]),
    "Legal": (18, ["Senior Counsel", "Counsel", "Paralegal"]),
    "Research": (12, ["Research Lead", "Research Scientist"]),
    "Executive Office": (8, ["Chief of Staff", "Executive Assistant"]),
}

# People the week needs by name: given name, family name, department.
CAST = [
    ("Ngozi", "Adeyemi", "Executive Office"),  # leads the company
    ("Ada", "Okafor", "Engineering"),  # leads Engineering
    ("José", "Peña", "Engineering"),
    ("Zoë", "Brandt", "Design"),
    ("Clara", "Nowak", "Product"),
    ("Haruto", "Takahashi", "Engineering"),
    ("Priya", "Raghunathan", "Information Technology"),
    ("Tomás", "Quintero", "Sales"),
    ("Siân", "Llewellyn", "Customer Support"),
    ("Minh", "Nguyễn", "Engineering"),
]
LEADERS = 2  # of the cast, those at the top of their department

# Group: people, and the departments they come from (none: everybody).
TEAMS = {
    "Lisbon Office": (180, ()),
    "Berlin Office": (220, ()),
    "Nairobi Office": (95, ()),
    "Toronto Office": (240, ()),
    "Osaka Office": (120, ()),
    "Platform Team": (64, ("Engineering",)),
    "Mobile Team": (48, ("Engineering", "Design")),
    "Web Team": (72, ("Engineering", "Design")),
    "Payments Team": (38, ("Engineering", "Finance", "Product")),
    "Data Team": (33, ("Engineering", "Research")),
    "Reliability Team": (27, ("Engineering", "Information Technology")),
    "On Call": (36, ("Engineering", "Information Technology")),
    "Security Champions": (31, ("Engineering", "Product", "Information Technology")),
    "Release Captains": (9, ("Engineering",)),
    "Code Owners": (54, ("Engineering",)),
    "Project Aurora": (25, ("Engineering", "Product", "Design", "Marketing")),
    "Project Meridian": (42, ("Engineering", "Product", "Sales")),
    "Documentation": (17, ("Engineering", "Customer Support", "Marketing")),
    "Accessibility Guild": (21, ("Engineering", "Design", "Product")),
    "Incident Review": (12, ("Engineering", "Customer Support")),
    "Budget Holders": (44, ()),
    "Works Council": (7, ()),
    "First Aiders": (29, ()),
    "Mentors": (58, ()),
    "Board Liaison": (2, ("Executive Office",)),
}

# Who joins during the week: given name, family name, department, job title, role, teams.
JOINERS = [
    ("Renée", "Achterberg", "Engineering", "Software Engineer", "user", ["Platform Team", "Berlin Office"]),
    ("Tiago", "Antunes", "Customer Support", "Support Specialist", "user", ["Lisbon Office"]),
    ("Wambui", "Njoroge", "Design", "Product Designer", "user", ["Nairobi Office", "Web Team"]),
    ("Kaito", "Ishikawa", "Engineering", "Test Engineer", "user", ["Osaka Office"]),
    ("Anaïs", "Thériault", "Finance", "Accountant", "user", ["Toronto Office"]),
    ("Soledad", "Yáñez", "Engineering", "Contractor", "guest_collaborator", ["Contractors", "Project Meridian"]),
]

LETTERS = {"ø": "o", "ł": "l", "ß": "ss", "đ": "d", "æ": "ae", "þ": "th", "ı": "i", "ð": "d"}


def ascii_word(name):
    """`Þóra` is `thora`, `de la Cruz` is `delacruz`."""
    folded = "".join(LETTERS.get(c, c) for c in name.lower())
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", folded))


def handle(principal):
    """The part before `@` as a code host writes it: what must not clash."""
    return re.sub(r"[^a-z0-9]", "-", principal.split("@")[0].lower())


class Company:
    def __init__(self, seed):
        self.random = random.Random(seed).random  # the one generator that never changes between versions
        self.handles = set()

    def below(self, n):
        return int(self.random() * n)

    def pick(self, items):
        return items[self.below(len(items))]

    def some(self, items, n):
        pool = list(items)
        return [pool.pop(self.below(len(pool))) for _ in range(n)]

    def principal(self, given, surname):
        base = f"{ascii_word(given)}.{ascii_word(surname)}"
        n = 1
        while handle(local := base if n == 1 else f"{base}{n}") in self.handles:
            n += 1
        assert 3 <= len(local) <= 30, local
        self.handles.add(handle(local))
        return f"{local}@{DOMAIN}"

    def user(self, given, surname, title, department, manager, role="user"):
        principal = self.principal(given, surname)
        user = {
            "id": str(uuid.uuid5(SPACE, f"user/{principal}")),
            "userPrincipalName": principal,
            "displayName": f"{given} {surname}",
            "givenName": given,
            "surname": surname,
            "mail": principal,
            "jobTitle": title,
            "department": department,
        }
        if manager:
            user["manager"] = manager["id"]
        return user | {"role": role, "status": "active"}

    def name(self):
        givens, surnames = self.pick(NAMES)
        if self.random() < 0.08:
            surnames = self.pick(NAMES)[1]
        while True:
            given = self.pick(givens.split())
            surname = self.pick(surnames.split("|") if "|" in surnames else surnames.split())
            words = ascii_word(given), ascii_word(surname)
            namesake = "-".join(words) in self.handles
            if sum(map(len, words)) <= 26 and (not namesake or self.random() < 0.2):  # a few share their name
                return given, surname


def staff(company):
    """A thousand people; in each department a head, managers, and their reports."""
    users, chief = [], None
    for department, (size, titles) in sorted(DEPARTMENTS.items(), key=lambda d: d[0] != "Executive Office"):
        named = [(given, surname) for given, surname, where in CAST if where == department]
        leads = [(given, surname) for given, surname, where in CAST[:LEADERS] if where == department]
        followers = [n for n in named if n not in leads]
        title = "Chief Executive" if chief is None else f"Head of {department}"
        head = company.user(*(leads or [company.name()])[0], title, department, chief)
        chief = chief or head
        managers = [company.user(*company.name(), titles[0], department, head) for _ in range(size // 10)]
        reports = [
            company.user(*(followers.pop(0) if followers else company.name()), company.pick(titles[1:]), department,
                         company.pick(managers or [head]))
            for _ in range(size - 1 - len(managers))
        ]
        users += [head, *managers, *reports]
    return users


def give_roles(company, users):
    """Three owners, four billing managers, thirty guests; the rest are users."""
    leading = {user.get("manager") for user in users}
    cast = {f"{given} {surname}" for given, surname, _ in CAST}
    plain = [u for u in users if u["id"] not in leading and u["displayName"] not in cast]

    def among(department):
        return [u for u in plain if u["department"] == department]

    for user in company.some(among("Information Technology"), 3):
        user["role"] = "enterprise_owner"
    for user in company.some(among("Finance"), 4):
        user["role"] = "billing_manager"
    for user in company.some(among("Engineering"), 22) + company.some(among("Design"), 8):
        user["role"], user["jobTitle"] = "guest_collaborator", "Contractor"


def group(name, members):
    return {"id": str(uuid.uuid5(SPACE, f"group/{name}")), "displayName": name, "members": [u["id"] for u in members]}


def gather(company, users):
    """Everybody, each department, the guests, and teams across departments: forty groups."""
    groups = [group("All Staff", users)]
    groups += [group(name, [u for u in users if u["department"] == name]) for name in DEPARTMENTS]
    groups.append(group("Contractors", [u for u in users if u["role"] == "guest_collaborator"]))
    cast = {f"{given} {surname}": where for given, surname, where in CAST}
    placed = {"Mobile Team": ["José Peña"], "Platform Team": ["Minh Nguyễn"], "On Call": ["Haruto Takahashi"],
              "Incident Review": ["Siân Llewellyn"], "Web Team": ["Zoë Brandt"], "Project Meridian": ["Clara Nowak", "Tomás Quintero"]}
    for name, (size, departments) in TEAMS.items():
        wanted = placed.get(name, [])
        fixed = [u for u in users if u["displayName"] in wanted and u["department"] == cast[u["displayName"]]][:len(wanted)]
        pool = [u for u in users if (not departments or u["department"] in departments) and u["displayName"] not in cast]
        chosen = {u["id"] for u in fixed + company.some(pool, size - len(fixed))}
        groups.append(group(name, [u for u in users if u["id"] in chosen]))
    return groups


def week(company, users, groups):
    person = {}
    for user in users:
        person.setdefault((user["displayName"], user["department"]), user["id"])
    cast = {f"{given} {surname}": person[f"{given} {surname}", where] for given, surname, where in CAST}
    team = {g["displayName"]: g["id"] for g in groups}
    head = {u["department"]: u for u in users if u["jobTitle"].startswith("Head of")}

    def join(n):
        given, surname, department, title, role, teams = JOINERS[n]
        user = company.user(given, surname, title, department, head[department], role)
        return {"event": "join", "user": user, "groups": [team[t] for t in ["All Staff", department, *teams]]}

    def rename(name, given, surname):
        return {"event": "rename", "user": cast[name], "userPrincipalName": company.principal(given, surname),
                "displayName": f"{given} {surname}", "surname": surname}

    def move(name, old, new):
        return {"event": "move", "user": cast[name], "from": team[old], "to": team[new]}

    def on(event, name, **more):
        return {"event": event, "user": cast[name], **more}

    return [
        {"day": "Monday", "events": [join(0), join(1), join(2), on("suspend", "Zoë Brandt")]},
        {"day": "Tuesday", "events": [rename("Clara Nowak", "Clara", "Ferreira"),
                                      move("José Peña", "Mobile Team", "Platform Team"),
                                      on("role", "Priya Raghunathan", role="enterprise_owner")]},
        {"day": "Wednesday", "events": [join(3), join(4), on("suspend", "Haruto Takahashi"),
                                        {"event": "empty", "group": team["Project Aurora"]}]},
        {"day": "Thursday", "events": [on("return", "Zoë Brandt"), on("leave", "Tomás Quintero"),
                                       move("Siân Llewellyn", "Incident Review", "Documentation")]},
        {"day": "Friday", "events": [join(5), move("Minh Nguyễn", "Platform Team", "Reliability Team")]},
    ]


def check_directory(users, groups):
    ids = {u["id"] for u in users}
    assert len(users) == len(ids) == 1000 and len(groups) == 40
    assert not ids & {g["id"] for g in groups} and len({g["id"] for g in groups}) == 40
    assert len({g["displayName"] for g in groups}) == 40
    for user in users:
        check_user(user)
    assert len({handle(u["userPrincipalName"]) for u in users}) == 1000
    assert [sum(u["role"] == role for u in users) for role in ROLES] == [963, 30, 4, 3]
    boss = {u["id"]: u.get("manager") for u in users}
    assert list(boss.values()).count(None) == 1
    for user in boss:  # everybody reaches the one without a manager
        steps = 0
        while (user := boss[user]) is not None:
            steps += 1
            assert steps < 10
    sizes = sorted(len(g["members"]) for g in groups)
    assert sizes[0] == 2 and sizes[-2:] == [400, 1000], sizes
    for g in groups:
        assert set(g["members"]) <= ids and len(set(g["members"])) == len(g["members"])
        wanted = TEAMS.get(g["displayName"]) or DEPARTMENTS.get(g["displayName"])
        assert wanted is None or len(g["members"]) == wanted[0]


def check_user(user):
    keys = ["id", "userPrincipalName", "displayName", "givenName", "surname", "mail", "jobTitle", "department",
            "manager", "role", "status"]
    assert list(user) == [k for k in keys if k in user] and set(keys) - set(user) <= {"manager"}
    check_principal(user["userPrincipalName"])
    assert user["role"] in ROLES and user["status"] == "active" and user["mail"] == user["userPrincipalName"]
    assert str(uuid.UUID(user["id"])) == user["id"]


def check_principal(principal):
    local, domain = principal.split("@")
    assert domain == DOMAIN and 3 <= len(local) <= 30 and re.fullmatch(r"[a-z0-9]+(\.[a-z0-9]+)*", local), principal


def check_week(users, groups, days):
    """Play the week: every event must be possible when its turn comes."""
    people = {u["id"]: dict(u) for u in users}
    members = {g["id"]: set(g["members"]) for g in groups}
    handles = {handle(u["userPrincipalName"]): u["id"] for u in users}
    count = {}
    for event in (e for day in days for e in day["events"]):
        kind = event["event"]
        count[kind] = count.get(kind, 0) + 1
        if kind == "join":
            user = event["user"]
            check_user(user)
            assert user["id"] not in people and user["manager"] in people
            assert handles.setdefault(handle(user["userPrincipalName"]), user["id"]) == user["id"]
            people[user["id"]] = dict(user)
            assert len(set(event["groups"])) == len(event["groups"])
            for g in event["groups"]:
                members[g].add(user["id"])
            continue
        if kind == "empty":
            assert members[event["group"]]
            members[event["group"]].clear()
            continue
        user = people[event["user"]]
        if kind == "rename":
            check_principal(event["userPrincipalName"])
            assert handles.setdefault(handle(event["userPrincipalName"]), user["id"]) == user["id"]
            assert event["surname"] != user["surname"] and event["displayName"].endswith(event["surname"])
        elif kind in ("suspend", "return"):
            before, after = ("active", "suspended") if kind == "suspend" else ("suspended", "active")
            assert user["status"] == before
            user["status"] = after
        elif kind == "role":
            assert event["role"] in ROLES and event["role"] != user["role"]
            user["role"] = event["role"]
        elif kind == "leave":
            assert all(p.get("manager") != user["id"] for p in people.values())
            del people[user["id"]]
            for group_members in members.values():
                group_members.discard(user["id"])
        elif kind == "move":
            assert user["id"] in members[event["from"]] and user["id"] not in members[event["to"]]
            members[event["from"]].remove(user["id"])
            members[event["to"]].add(user["id"])
        else:
            raise AssertionError(kind)
    assert count == {"join": 6, "rename": 1, "suspend": 2, "return": 1, "role": 1, "leave": 1, "empty": 1, "move": 3}
    assert sum(p["status"] == "suspended" for p in people.values()) == 1 and len(people) == 1005
    assert sum(not m for m in members.values()) == 1


def lines(items):
    return ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items)


def main():
    company = Company("northwind")
    users = staff(company)
    give_roles(company, users)
    users.sort(key=lambda u: u["userPrincipalName"])
    groups = gather(company, users)
    check_directory(users, groups)
    days = week(company, users, groups)
    check_week(users, groups, days)
    files = {
        "northwind.json": f'{{"users":[\n{lines(users)}\n],"groups":[\n{lines(groups)}\n]}}\n',
        "week.json": "[\n" + ",\n".join(f'{{"day":"{d["day"]}","events":[\n{lines(d["events"])}\n]}}' for d in days) + "\n]\n",
    }
    for name, text in files.items():
        json.loads(text)
        if "--check" not in sys.argv[1:]:
            (HERE / name).write_bytes(text.encode())
        elif (HERE / name).read_bytes() != text.encode():
            sys.exit(f"{name} is not what make.py writes")


if __name__ == "__main__":
    main()
