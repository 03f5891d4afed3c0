using UnityEditor;
using UnityEngine;

namespace Genlock.Editor
{
    /// <summary>The client's settings, what is wrong with them, and while the app runs how it goes.</summary>
    [CustomEditor(typeof(GenlockClient))]
    [CanEditMultipleObjects]
    internal sealed class GenlockClientEditor : UnityEditor.Editor
    {
        private readonly ProjectProblems _problems = new ProjectProblems();

        public override void OnInspectorGUI()
        {
            var client = (GenlockClient)target;
            if (EditorApplication.isPlaying)
            {
                LiveState.Draw(client);
                EditorGUILayout.Space();
            }
            else
            {
                foreach (var problem in _problems.Of(client))
                {
                    EditorGUILayout.HelpBox(problem, MessageType.Warning);
                }
            }
            if (DrawDefaultInspector())
            {
                _problems.Forget();
            }
        }

        public override bool RequiresConstantRepaint()
        {
            return EditorApplication.isPlaying;
        }
    }
}
