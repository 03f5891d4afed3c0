using UnityEditor;

namespace Genlock.Editor
{
    /// <summary>A target, and the id that it has.</summary>
    [CustomEditor(typeof(GenlockTarget))]
    internal sealed class GenlockTargetEditor : UnityEditor.Editor
    {
        public override void OnInspectorGUI()
        {
            var target = (GenlockTarget)this.target;
            EditorGUILayout.LabelField("Id on the wire", target.Id);
            EditorGUILayout.LabelField("People call it", target.DisplayName);
            if (target.Aliases.Count > 16)
            {
                EditorGUILayout.HelpBox("Up to 16 aliases.", MessageType.Error);
            }
            DrawDefaultInspector();
        }
    }
}
