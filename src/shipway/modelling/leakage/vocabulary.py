"""Words of column names that speak of what is known only after the event, by what they mean and by language.

Names are folded before they are looked up: small letters without accents, ß as ss. Umlauts may be written with an e as well.
"""

from __future__ import annotations

STEMS: dict[str, dict[str, str]] = {
    "how it came out": {
        "en": "outcome result verdict dispos resol conclu final actual confirm realis realiz",
        "de": "ergebnis resultat entscheid bestatig bestaetig endgult endguelt tatsachlich tatsaechlich",
        "fr": "resultat conclus definitif",
        "es": "resultad desenlace veredict",
        "pt": "desfecho veredito",
        "it": "esito risultat verdett confermat",
        "nl": "uitkomst resultaat uitslag bevestig afloop",
    },
    "that it ended": {
        "en": "clos cancel complet terminat expir churn attrit unsubscri withdr abandon exit",
        "de": "kundig kuendig gekundig gekuendig storn abgeschl beend abwander austritt abgelauf geschloss abbruch abgebroch",
        "fr": "resili annul clotur fermetur desabonn",
        "es": "cerrad cierre rescis anulad terminad",
        "pt": "encerra fechad evasao desist",
        "it": "chius cessat cessazion disdett disdic recesso scadut",
        "nl": "opgezeg opzeg geannul annuler beeindig geslot afgeslot vertrok",
    },
    "what was paid or came back": {
        "en": "settle refund repaid recover chargeback chargeoff writeoff payout payoff reimburs deliver return",
        "de": "erstatt ruckzahl rueckzahl zuruckgezahl zurueckgezahl beglich bezahlt auszahl ausgezahl geliefert retour",
        "fr": "rembours recouvr livraison",
        "es": "reembols pagad liquidad recuperad devuel devoluc entregad",
        "pt": "devolv entregue quitad",
        "it": "rimbors pagat saldat recuperat consegnat",
        "nl": "terugbetaa terugbeta betaald vergoed afgelost geleverd",
    },
    "what became of a person": {
        "en": "arriv discharg deceas death autops relaps surviv mortal",
        "de": "entlass verstorb gestorb todes sterbe uberleb ueberleb ruckfall rueckfall",
        "fr": "deces decede survie rechute",
        "es": "fallec muert defunc sobreviv superviv recaid",
        "pt": "obito falec recidiv",
        "it": "decess decedut sopravviv sopravvis dimess dimission",
        "nl": "overled overlij sterft gestorv overleef overlev terugval ontslag",
    },
    "how long it took, or took too long": {
        "en": "duration elapsed delay overdue follow subsequ",
        "de": "dauer verspat verspaet verzug uberfallig ueberfaellig",
        "fr": "duree retard",
        "es": "durac retras demora",
        "pt": "atras inadimpl",
        "it": "durata ritard",
        "nl": "duur vertrag vertraagd achterstall",
    },
    "what another model said of it": {
        "en": "predict forecast proba",
        "de": "vorhers prognos",
        "fr": "previs",
        "es": "predicc pronost",
        "it": "predett predizion",
        "nl": "voorspel",
    },
}
"""Starts of words, by meaning and language."""

WHOLE: dict[str, str] = {
    "en": "after end ended finish finished late paid died dead reason left lasted",
    "de": "ende danach nachher grund tod tot",
    "fr": "apres motif raison mort morte sortie paye payee",
    "es": "despues motivo razon murio mora",
    "pt": "depois apos razao morte morreu pago paga",
    "it": "dopo morto motivo",
    "nl": "einde afgelopen reden dood",
}
"""Such words that start many others as well, and so are taken whole."""

ENDINGS = ("dauer", "duur", "ergebnis", "resultat", "resultaat", "verzug", "grund", "reden")
"""Ends of words that German and Dutch make of several: Gesprächsdauer, Kündigungsgrund."""

TALKS = {
    "en": "call talk conversation session handling",
    "de": "anruf gesprach gespraech telefonat sitzung",
    "fr": "appel entretien",
    "es": "llamada conversacion sesion",
    "pt": "chamada ligacao conversa",
    "it": "chiamata telefonata conversazione",
    "nl": "gesprek oproep",
}
SPANS = {
    "en": "length time seconds sec secs minutes mins",
    "de": "lange laenge zeit sekunden sek minuten",
    "fr": "longueur temps secondes",
    "es": "tiempo segundos minutos longitud",
    "pt": "tempo duracao comprimento",
    "it": "secondi minuti lunghezza",
    "nl": "lengte tijd seconden",
}
"""A word of each (talks and spans): how long a talk took is known when it is over, and so is what came of it."""

GENERAL = {
    "en": "class label target type status flag group code level value name category score",
    "de": "klasse ziel gruppe kategorie wert stufe",
    "fr": "classe cible groupe valeur statut categorie niveau",
    "es": "clase objetivo grupo tipo estado valor categoria nivel",
    "pt": "alvo situacao",
    "it": "bersaglio gruppo stato valore livello",
    "nl": "doel groep waarde categorie niveau",
}
"""Words of a target's name that say nothing of what it is."""


def of(*tables: dict[str, str]) -> tuple[str, ...]:
    """All words of some tables."""
    return tuple(dict.fromkeys(word for table in tables for words in table.values() for word in words.split()))
