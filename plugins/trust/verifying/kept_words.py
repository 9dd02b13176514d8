"""What a worker is told before they give an answer that is kept, in each language of the pages.

It stands in the question itself, which every wallet shows as it is: so in one language, that of whoever asks.
"""

from collections.abc import Mapping
from typing import Final

KEPT: Final[Mapping[str, str]] = {
    "en": "Your answer is kept until {until}, as a law asks: {law}. It is kept for: {purpose}. "
    "Whoever has a kept answer can prove to others what you showed.",
    # Made by machine, like the catalogues of the pages: not yet read by native speakers.
    "fr": "Votre réponse est conservée jusqu'au {until}, comme une loi le demande : {law}. Elle est conservée pour : "
    "{purpose}. Qui a une réponse conservée peut prouver à d'autres ce que vous avez montré.",
    "es": "Su respuesta se conserva hasta el {until}, como exige una ley: {law}. Se conserva para: {purpose}. "
    "Quien tenga una respuesta conservada puede demostrar a otros lo que usted mostró.",
    "ar": "تُحفظ إجابتك حتى {until}، كما يطلب قانون: {law}. تُحفظ من أجل: {purpose}. "
    "ومن لديه إجابة محفوظة يستطيع أن يثبت لغيره ما أظهرتَه.",
    "si": "නීතියක් ඉල්ලන පරිදි ඔබේ පිළිතුර {until} දක්වා තබා ගැනේ: {law}. එය තබා ගන්නේ මේ සඳහා: {purpose}. "
    "තබා ගත් පිළිතුරක් ඇති අයෙකුට ඔබ පෙන්වූ දේ අන් අයට ඔප්පු කළ හැකිය.",
    "ta": "ஒரு சட்டம் கேட்பதால் உங்கள் பதில் {until} வரை வைத்திருக்கப்படுகிறது: {law}. அது வைத்திருக்கப்படுவது: {purpose}. "
    "வைத்திருக்கப்படும் பதில் உள்ளவர், நீங்கள் காட்டியதை மற்றவர்களுக்கு நிரூபிக்க முடியும்.",
}
